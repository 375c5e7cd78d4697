using Kv.Actors.Journal;
using Kv.Actors.Leasing;
using Kv.Actors.Log;
using Kv.Actors.Membership;
using Kv.Actors.Publishing;
using Kv.Actors.Snapshots;
using Kv.Actors.Upkeep;
using Kv.Core.Auth;
using Kv.Core.Store;

namespace Kv.Actors.Nodes;

/// <summary>What a node of a totally ordered mode is made of.</summary>
public sealed record LogNodeOptions
{
    public required string NodeId { get; init; }

    public required ReplicationMode Mode { get; init; }

    /// <summary>Shared by the nodes of one process; whoever made it disposes it, after the nodes.</summary>
    public required IReplicationLog Log { get; init; }

    public PublisherOptions Publisher { get; init; } = new();

    /// <summary>What the store brings along that is not in the log.</summary>
    public StoreRules Rules { get; init; } = StoreRules.OfThisBuild;

    public UpkeepOptions Upkeep { get; init; } = new();

    /// <summary>
    /// From one time to the next that watches which want it, and had no events, are told how far they are,
    /// ms; 0: never. etcd's default.
    /// </summary>
    public int WatchProgressIntervalMs { get; init; } = 600_000;

    public FeedOptions Feed { get; init; } = new();

    public LessorOptions Lessor { get; init; } = new();

    /// <summary>Null: the node starts from the log alone and writes no snapshots.</summary>
    public SnapshotOptions? Snapshots { get; init; }

    /// <summary>Null: the node has no peers beyond its process. It stops with the node.</summary>
    public ClusterMembership? Membership { get; init; }

    /// <summary>The other nodes, for the status.</summary>
    public Func<CancellationToken, Task<IReadOnlyList<MemberStatus>>> ListMembers { get; init; } =
        static _ => Task.FromResult<IReadOnlyList<MemberStatus>>([]);

    /// <summary>Null: the node keeps no journal. It needs <see cref="Snapshots"/>.</summary>
    public JournalOptions? Journal { get; init; }

    /// <summary>The cluster that the data directory belongs to; 0: none yet.</summary>
    public ulong ExpectedClusterId { get; init; }

    /// <summary>Called, from an actor, when the cluster's id was applied: to note it down.</summary>
    public Action<ulong> OnClusterKnown { get; init; } = static _ => { };

    /// <summary>
    /// Called, from an actor, with another table of users and roles, before anything that was applied with it
    /// is answered.
    /// </summary>
    public Action<AuthTable> OnAuthChanged { get; init; } = static _ => { };

    /// <summary>Called when the node has given up after repeated bugs: the process should end.</summary>
    public Action OnFatal { get; init; } = static () => { };

    /// <summary>Called when the node must not run, with the reason: the process should end.</summary>
    public Action<string> OnRefused { get; init; } = static _ => { };

    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Nonces and cluster ids: unique, not secret.</summary>
    public Func<UInt128> Random { get; init; } = RandomUInt128;

    private static UInt128 RandomUInt128()
    {
        Span<byte> bytes = stackalloc byte[16];
        System.Security.Cryptography.RandomNumberGenerator.Fill(bytes);
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt128LittleEndian(bytes);
    }
}
