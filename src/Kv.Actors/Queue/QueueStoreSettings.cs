using Kv.Core.Merge;

namespace Kv.Actors.Queue;

/// <summary>What a store is started with.</summary>
/// <param name="Time">Its clock begins here.</param>
/// <param name="ReservedThrough">Times up to here are reserved on disk.</param>
internal sealed record QueueStoreSettings(
    string NodeId,
    long Incarnation,
    string Exchange,
    WriteOrder Order,
    long Time,
    long ReservedThrough,
    int PublishWindow,
    int RepublishDelayMs)
{
    /// <summary>
    /// Times reserved with one fsync: seconds of the heaviest traffic, and a jump of that much at a restart,
    /// which costs nothing.
    /// </summary>
    public const long ReserveBlock = 1L << 24;
}

/// <summary>What a node has dealt with since its start.</summary>
public sealed record QueueCounters
{
    public long Applied { get; init; }

    public long Duplicates { get; init; }

    /// <summary>Writes older than the deletions still known.</summary>
    public long Stale { get; init; }

    public long Malformed { get; init; }

    /// <summary>Versions taken from peers or dropped at their word.</summary>
    public long Merged { get; init; }

    public QueueCounters With(ApplyOutcome outcome) => outcome switch
    {
        ApplyOutcome.Applied => this with { Applied = Applied + 1 },
        ApplyOutcome.Duplicate => this with { Duplicates = Duplicates + 1 },
        ApplyOutcome.Stale => this with { Stale = Stale + 1 },
        _ => throw new ArgumentOutOfRangeException(nameof(outcome), outcome, null),
    };
}
