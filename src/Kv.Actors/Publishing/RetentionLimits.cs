using Kv.Core;

namespace Kv.Actors.Publishing;

/// <summary>
/// How much of the log may be behind the covered offset before the broker, which truncates by size alone,
/// could drop what only the log has.
/// </summary>
/// <param name="LogBytesMax">Bytes the broker keeps of the log.</param>
/// <param name="SegmentBytesMax">Bytes of a segment, the grain of truncation.</param>
public sealed record RetentionLimits(long LogBytesMax, long SegmentBytesMax)
{
    /// <summary>
    /// What one member may append after the limit was reached and before it has read so, bytes: two windows
    /// of the largest entries, each appended twice.
    /// </summary>
    public const long InFlightBytesMax =
        4L * KvLimits.EntriesInFlightMax * (KvLimits.RequestBytesMax + KvLimits.EntryBytesTarget);

    /// <summary>
    /// Uncovered bytes beyond which nothing is written: what is kept less two segments and all that may be in
    /// flight. Not above 0: the log is too small for the cluster.
    /// </summary>
    /// <param name="clusterSize">Members; 0: not said, counted as 1.</param>
    public long WritesBytesMax(int clusterSize) =>
        LogBytesMax - (2 * SegmentBytesMax) - (Math.Max(1, clusterSize) * InFlightBytesMax);

    /// <summary>
    /// Uncovered bytes beyond which reads do not go through the log either, since each takes room in it:
    /// half a segment more. The rest is for what opens the log again.
    /// </summary>
    /// <inheritdoc cref="WritesBytesMax" path="/param"/>
    public long ReadsBytesMax(int clusterSize) => WritesBytesMax(clusterSize) + (SegmentBytesMax / 2);
}
