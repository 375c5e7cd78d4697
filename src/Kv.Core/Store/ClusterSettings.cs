using Kv.Core.Entries;

namespace Kv.Core.Store;

/// <summary>
/// What the log says of the cluster itself: its version and size, how much of the log there is, and which
/// snapshots cover it. Replicated state: changes only by apply.
/// </summary>
public sealed class ClusterSettings
{
    private readonly SortedDictionary<string, SnapshotMark> _snapshots = new(StringComparer.Ordinal);

    // the newest KvLimits.SkippedOffsetsMax, oldest first
    private readonly Queue<long> _skipped = [];
    private SnapshotMark? _covering;

    /// <summary>Version of the rules of apply; 0 before the genesis.</summary>
    public int Version { get; private set; }

    /// <summary>Members the cluster is meant to have; 0: nobody said.</summary>
    public int Size { get; private set; }

    /// <summary>
    /// What the log's messages so far take on a broker, bytes: their lengths and
    /// <see cref="KvLimits.LogMessageBytesExtra"/> each.
    /// </summary>
    public long LogBytes { get; private set; }

    /// <summary>
    /// The largest offset such that a majority of <see cref="Size"/> members have a snapshot there or beyond;
    /// -1: none. Of a size that nobody said one is a majority: any member's snapshot covers.
    /// </summary>
    public long CoveredOffset => _covering?.Offset ?? -1;

    /// <summary>Bytes of the log behind <see cref="CoveredOffset"/>: what must not be truncated.</summary>
    public long UncoveredBytes => LogBytes - (_covering?.LogBytes ?? 0);

    /// <summary>Entries nobody could read that were passed over.</summary>
    public long Skips { get; private set; }

    /// <summary>
    /// Where they stood, oldest first; of very many the last <see cref="KvLimits.SkippedOffsetsMax"/>.
    /// </summary>
    public IReadOnlyCollection<long> SkippedOffsets => _skipped;

    /// <summary>The newest snapshot of each member, by node id.</summary>
    public IReadOnlyCollection<SnapshotMark> Snapshots => _snapshots.Values;

    /// <summary>A log begins. What is known of another log's offsets is void.</summary>
    internal void Found(Genesis genesis)
    {
        Version = genesis.ApplyVersion;
        Size = genesis.ClusterSize;
        _snapshots.Clear();
        _covering = null;
    }

    internal void NoteMessage(int length) => LogBytes += length + KvLimits.LogMessageBytesExtra;

    internal void NoteSkipped(long offset)
    {
        Skips++;
        Remember(offset);
    }

    /// <returns>Null: done; or why not.</returns>
    internal StoreError? Apply(Command.SnapshotTaken taken, long offset)
    {
        if (taken.Offset >= offset || taken.LogBytes > LogBytes)
        {
            return StoreError.SnapshotAhead;
        }
        if (_snapshots.TryGetValue(taken.NodeId, out SnapshotMark? known) && known.Offset >= taken.Offset)
        {
            return null;
        }
        _snapshots[taken.NodeId] = new SnapshotMark(taken.NodeId, taken.Offset, taken.LogBytes);
        if (_snapshots.Count > KvLimits.SnapshotMarksMax)
        {
            _snapshots.Remove(_snapshots.Values.MinBy(static mark => mark.Offset)!.NodeId);
        }
        FindCovering();
        return null;
    }

    /// <inheritdoc cref="Apply(Command.SnapshotTaken, long)"/>
    internal StoreError? Apply(Command.ClusterVersion version)
    {
        if (version.Version < Version)
        {
            return StoreError.ClusterVersionLower;
        }
        Version = version.Version;
        return null;
    }

    /// <inheritdoc cref="Apply(Command.SnapshotTaken, long)"/>
    internal StoreError? Apply(Command.ClusterSize size)
    {
        if (size.Members is < 1 or > KvLimits.ClusterSizeMax)
        {
            return StoreError.ClusterSizeOutOfRange;
        }
        Size = size.Members;
        FindCovering();
        return null;
    }

    /// <summary>As records of a snapshot, in their order.</summary>
    internal IReadOnlyList<Record> Capture() =>
    [
        new Record.Single(Version, Size, LogBytes, Skips),
        .. _snapshots.Values.Select(static mark => new Record.Taken(mark)),
        .. _skipped.Select(static offset => new Record.Skipped(offset)),
    ];

    internal void Restore(IEnumerable<Record> records)
    {
        foreach (Record record in records)
        {
            switch (record)
            {
                case Record.Single single:
                    (Version, Size, LogBytes, Skips) = single;
                    break;
                case Record.Taken taken:
                    _snapshots[taken.Mark.NodeId] = taken.Mark;
                    break;
                case Record.Skipped skipped:
                    Remember(skipped.Offset);
                    break;
            }
        }
        FindCovering();
    }

    private void Remember(long skipped)
    {
        _skipped.Enqueue(skipped);
        if (_skipped.Count > KvLimits.SkippedOffsetsMax)
        {
            _skipped.Dequeue();
        }
    }

    private void FindCovering()
    {
        int majority = (Math.Max(1, Size) / 2) + 1;
        _covering = _snapshots.Values
            .OrderByDescending(static mark => mark.Offset)
            .ElementAtOrDefault(majority - 1);
    }

    /// <param name="Offset">The last offset applied in it.</param>
    /// <param name="LogBytes"><see cref="ClusterSettings.LogBytes"/> in it.</param>
    public sealed record SnapshotMark(string NodeId, long Offset, long LogBytes);

    /// <summary>A part of a snapshot's section.</summary>
    internal abstract record Record
    {
        private Record() { }

        internal sealed record Single(int Version, int Size, long LogBytes, long Skips) : Record;

        internal sealed record Taken(SnapshotMark Mark) : Record;

        internal sealed record Skipped(long Offset) : Record;
    }
}
