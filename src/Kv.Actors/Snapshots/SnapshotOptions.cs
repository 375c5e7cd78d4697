using Kv.Actors.Journal;
using Kv.Files;

namespace Kv.Actors.Snapshots;

/// <summary>When a node writes snapshots, and where it gets them from.</summary>
public sealed record SnapshotOptions
{
    public required SnapshotFiles Files { get; init; }

    /// <summary>
    /// What is there, if somebody has begun to read it; null: it is read when the node starts.
    /// </summary>
    public EarlyLoad? Early { get; init; }

    /// <summary>
    /// False: the node only loads what another node of its process writes into the same directory.
    /// </summary>
    public bool Saves { get; init; } = true;

    /// <summary>
    /// A snapshot is written each time so many bytes of the log were applied, and half as many as the last
    /// one has: what a start has to replay, without each byte of the log being paid for by many of
    /// snapshots.
    /// </summary>
    public long LogBytes { get; init; } = 67_108_864;

    /// <summary>However large snapshots are, so many bytes of the log are enough for the next.</summary>
    public long LogBytesMax { get; init; } = long.MaxValue;

    /// <summary>Null: there are no peers to ask.</summary>
    public PeerSnapshots? Peers { get; init; }

    /// <summary>
    /// Called when two snapshots are on disk, with the older one's offset: the log is not needed below it.
    /// </summary>
    public Func<long, Task> OnKept { get; init; } = static _ => Task.CompletedTask;

    /// <summary>
    /// First wait before a write or fetch that failed is tried again, ms; doubles up to the next.
    /// </summary>
    public int RetryDelayMsMin { get; init; } = 1_000;

    public int RetryDelayMsMax { get; init; } = 60_000;
}
