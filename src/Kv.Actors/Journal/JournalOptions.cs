using Akka.Actor;
using Kv.Actors.Fanouts;

namespace Kv.Actors.Journal;

/// <summary>A node's journal.</summary>
public sealed record JournalOptions
{
    /// <summary>Nobody else writes there.</summary>
    public required string Directory { get; init; }

    /// <summary>ACK=persisted; null: records go to the page cache, and nobody is told of them.</summary>
    public PersistedAck? Persisted { get; init; }

    /// <summary>
    /// First wait before a journal that could not be written is begun anew, ms; doubles up to the next.
    /// </summary>
    public int RetryDelayMsMin { get; init; } = 1_000;

    public int RetryDelayMsMax { get; init; } = 60_000;

    internal JournalLock Lock { get; } = new();

    /// <summary>Opens a segment for writing; null: on disk.</summary>
    internal Func<string, Stream>? Create { get; init; }
}

/// <summary>What answers wait for under ACK=persisted, which all nodes of a cluster have to share.</summary>
/// <param name="Fanout">Tells all nodes how far a node's journal is on disk.</param>
/// <param name="ClusterSize">
/// Members the cluster is meant to have, 1 or more; what its genesis says goes before it.
/// </param>
public sealed record PersistedAck(IFanout Fanout, int ClusterSize)
{
    /// <summary>While members' word is missing they are asked again so often, ms.</summary>
    public int AskIntervalMs { get; init; } = 1_000;
}

/// <summary>A node's journal, for those who have to do with it.</summary>
public sealed record NodeJournal(IActorRef Actor, JournalOptions Options);
