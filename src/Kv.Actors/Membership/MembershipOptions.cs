using Kv.Actors.Presence;

namespace Kv.Actors.Membership;

/// <summary>Who a node of stream mode is to its peers.</summary>
public sealed record MembershipOptions
{
    public required string NodeId { get; init; }

    /// <summary>Where peers reach this node's gRPC services.</summary>
    public required string Url { get; init; }

    /// <summary>The cluster that the data directory belongs to; 0: none yet.</summary>
    public ulong ClusterId { get; init; }

    public PresenceOptions Presence { get; init; } = new();

    /// <summary>
    /// Peers known by the settings; asked for snapshots after those that announce themselves.
    /// </summary>
    public IReadOnlyList<Uri> PeersOfSettings { get; init; } = [];

    /// <summary>Claims that could not be judged are looked at again after this time, ms.</summary>
    public int RecheckMs { get; init; } = 100;

    /// <summary>
    /// A claim that is ahead of this node for so long, ms, makes it look where the log's tail is; and so
    /// long after that again.
    /// </summary>
    public int SeekTailMs { get; init; } = 2_000;

    /// <summary>
    /// Longest wait for peers that cannot be heard, ms, once the log was connected anew. Then the node goes
    /// on without their word.
    /// </summary>
    public int PeersMsMax { get; init; } = 10_000;

    /// <summary>
    /// Which run of the node this is; 0: derived from the wall clock, so that later runs have larger ones.
    /// </summary>
    public long Incarnation { get; init; }

    public TimeProvider Clock { get; init; } = TimeProvider.System;
}
