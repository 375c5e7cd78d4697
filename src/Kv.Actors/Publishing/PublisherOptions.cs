using Kv.Actors.Nodes;
using Kv.Core;
using Kv.Core.Entries;

namespace Kv.Actors.Publishing;

/// <summary>How the publisher batches and how long it waits.</summary>
public sealed record PublisherOptions
{
    /// <summary>
    /// Most entries appended and not yet read back, 1 to <see cref="KvLimits.EntriesInFlightMax"/>.
    /// </summary>
    public int EntriesInFlightMax { get; init; } = 2;

    /// <summary>Entry size at which a batch is closed, bytes.</summary>
    public int EntryBytesTarget { get; init; } = KvLimits.EntryBytesTarget;

    /// <summary>
    /// Time without the log during which commands still wait for it, ms; afterwards they fail at once.
    /// Covers a change of the stream's leader (0.4–0.8 s measured).
    /// </summary>
    public int OutageGraceMs { get; init; } = 1_500;

    /// <summary>First wait before a failed entry is appended again, ms; doubles up to the next.</summary>
    public int RetryDelayMsMin { get; init; } = 50;

    public int RetryDelayMsMax { get; init; } = 2_000;

    /// <summary>
    /// An entry confirmed but not read back for so long is appended again, ms. A duplicate is harmless.
    /// </summary>
    public int ReadBackTimeoutMs { get; init; } = 10_000;

    /// <summary>
    /// May this node found a cluster when the log has no genesis? It does after <see
    /// cref="FoundingDelayMs"/>.
    /// </summary>
    public bool MayFound { get; init; }

    /// <summary>
    /// Asked each time before a genesis is proposed, from an actor: why not now; empty: nothing is against
    /// it.
    /// </summary>
    public Func<string> FoundingObjection { get; init; } = static () => "";

    /// <summary>Time to look for an existing genesis before founding, ms.</summary>
    public int FoundingDelayMs { get; init; } = 500;

    /// <summary>What an answer waits for.</summary>
    public AckLevel Ack { get; init; } = AckLevel.Replicated;

    /// <summary>What a cluster is founded with here; null: nothing, under a new id.</summary>
    public Genesis? Genesis { get; init; }

    /// <summary>Null: the log is never truncated by its size, so it may grow.</summary>
    public RetentionLimits? Retention { get; init; }

    /// <summary>Configured members of a cluster founded empty here; 0: not given.</summary>
    public int ClusterSize { get; init; }
}
