using System.Diagnostics;
using Kv.Core.Entries;

namespace Kv.Core.Store;

/// <summary>
/// Keys and their history at one moment. Made to last it may be read on any thread, at any time.
/// </summary>
public sealed class KeyView
{
    private readonly OrderedIndexView<KeyRecord> _live;
    private readonly OrderedIndexView<KeyRecord> _deleted;

    // Not read: as long as it is held, the history is not let go.
    private readonly object _pin;

    internal KeyView(
        OrderedIndexView<KeyRecord> live,
        OrderedIndexView<KeyRecord> deleted,
        RevisionLogView history,
        long revision,
        long compactedRevision,
        object pin)
    {
        _live = live;
        _deleted = deleted;
        History = history;
        Revision = revision;
        CompactedRevision = compactedRevision;
        _pin = pin;
    }

    public long Revision { get; }

    /// <summary>What was before this revision is gone; 0: nothing is.</summary>
    public long CompactedRevision { get; }

    /// <summary>Every mutation, from <see cref="CompactedRevision"/> on and perhaps some before.</summary>
    public RevisionLogView History { get; }

    /// <summary>Keys that are there.</summary>
    public OrderedIndexView<KeyRecord> Live => _live;

    /// <returns>Null: it can be asked; or why not.</returns>
    public StoreError? Check(RangeQuery query) =>
        query.Key.IsEmpty ? StoreError.KeyEmpty
        : query.Revision > Revision ? StoreError.FutureRevision
        : query.Revision > 0 && query.Revision < CompactedRevision ? StoreError.Compacted
        : null;

    /// <summary>O(log n) for a key, a count or a limit without filters and sorting; else O(range).</summary>
    /// <exception cref="ArgumentException"><see cref="Check"/> says why not.</exception>
    public RangeResult Range(RangeQuery query)
    {
        if (Check(query) is { } error)
        {
            throw new ArgumentException($"The range cannot be read: {error}.", nameof(query));
        }
        bool isNow = query.Revision <= 0 || query.Revision == Revision;
        if (query.IsSingle)
        {
            return Single(query, isNow ? Revision : query.Revision);
        }
        return isNow ? RangeNow(query) : Arrange(query, [.. RecordsAt(query, query.Revision)]);
    }

    /// <summary>The records of a range as of a revision that is in the history, by key.</summary>
    internal IEnumerable<KeyRecord> RecordsAt(RangeQuery query, long revision)
    {
        (ReadOnlyMemory<byte> from, ReadOnlyMemory<byte>? to) = Bounds(query);
        using IEnumerator<KeyRecord> live = Heads(_live, from, to);
        using IEnumerator<KeyRecord> deleted = Heads(_deleted, from, to);
        bool hasLive = live.MoveNext();
        bool hasDeleted = deleted.MoveNext();
        while (hasLive || hasDeleted)
        {
            bool takesLive = hasLive && (!hasDeleted
                || live.Current.Key.AsSpan().SequenceCompareTo(deleted.Current.Key) < 0);
            if ((takesLive ? live : deleted).Current.At(revision) is { } record)
            {
                yield return record;
            }
            if (takesLive)
            {
                hasLive = live.MoveNext();
            }
            else
            {
                hasDeleted = deleted.MoveNext();
            }
        }
    }

    /// <summary>
    /// Digest of every record at or below a revision that can be read, whatever it is read at: equal on all
    /// nodes. O(keys and history).
    /// </summary>
    /// <param name="revision">From <see cref="CompactedRevision"/> to <see cref="Revision"/>.</param>
    public Digest HashAt(long revision)
    {
        var sum = new ContentsDigest();
        foreach (OrderedIndexView<KeyRecord> heads in (ReadOnlySpan<OrderedIndexView<KeyRecord>>)
            [_live, _deleted])
        {
            foreach ((_, KeyRecord head) in heads.Scan())
            {
                Add(head, revision, ref sum);
            }
        }
        return sum.Value(revision, CompactedRevision, order: 0, tables: 0);
    }

    private void Add(KeyRecord head, long revision, ref ContentsDigest sum)
    {
        for (KeyRecord? record = head; record is not null; record = record.Previous)
        {
            bool isOldest = record.ModRevision <= CompactedRevision;
            if (record.ModRevision <= revision && !(isOldest && record.IsDeleted))
            {
                sum.Add(record);
            }
            if (isOldest)
            {
                return;
            }
        }
    }

    /// <summary>Bounds of a scan; no upper one: to the end.</summary>
    internal static (ReadOnlyMemory<byte> From, ReadOnlyMemory<byte>? To) Bounds(RangeQuery query) =>
        query.RangeEnd.Span is [0] ? (query.Key, null) : (query.Key, query.RangeEnd);

    private static IEnumerator<KeyRecord> Heads(
        OrderedIndexView<KeyRecord> index, ReadOnlyMemory<byte> from, ReadOnlyMemory<byte>? to)
    {
        foreach ((_, KeyRecord record) in index.Scan(from, to))
        {
            yield return record;
        }
    }

    private RangeResult Single(RangeQuery query, long revision)
    {
        bool isKnown = _live.TryGet(query.Key.Span, out KeyRecord? head)
            || _deleted.TryGet(query.Key.Span, out head);
        KeyRecord? record = isKnown ? head!.At(revision) : null;
        return record is null ? new RangeResult([], 0, false)
            : query.CountOnly ? new RangeResult([], 1, false)
            : Arrange(query, [record]);
    }

    private RangeResult RangeNow(RangeQuery query)
    {
        (ReadOnlyMemory<byte> from, ReadOnlyMemory<byte>? to) = Bounds(query);
        int count = _live.CountRange(from.Span, to is { } end ? end.Span : []);
        if (query.CountOnly || count == 0)
        {
            return new RangeResult([], count, false);
        }
        bool isByKey = query.SortTarget == RangeSortTarget.Key && !query.IsFiltered;
        int wanted = isByKey && query.Limit > 0 ? (int)Math.Min(query.Limit, count) : count;
        var records = new List<KeyRecord>(wanted);
        OrderedRange<KeyRecord> range = isByKey && query.Sort == RangeSort.Descending
            ? _live.ScanDescending(from, to)
            : _live.Scan(from, to);
        foreach ((_, KeyRecord record) in range)
        {
            records.Add(record);
            if (records.Count == wanted)
            {
                break;
            }
        }
        return isByKey ? new RangeResult(records, count, wanted < count) : Arrange(query, records);
    }

    // Filters before the sorting, limits behind it, as etcd does; where no order is asked for, what is sorted
    // by another target than the key are the first keys up to the limit, and one. Equals stay by key.
    private static RangeResult Arrange(RangeQuery query, List<KeyRecord> records)
    {
        long count = records.Count;
        if (query.CountOnly)
        {
            return new RangeResult([], count, false);
        }
        if (query is { Sort: RangeSort.None, IsFiltered: false, Limit: > 0 } && query.Limit < count - 1)
        {
            records = records[..((int)query.Limit + 1)];
        }
        IEnumerable<KeyRecord> arranged = query.IsFiltered
            ? records.Where(record => Passes(query, record))
            : records;
        arranged = (query.Sort, query.SortTarget) switch
        {
            (RangeSort.None or RangeSort.Ascending, RangeSortTarget.Key) => arranged,
            (RangeSort.Descending, _) => arranged.OrderDescending(By(query.SortTarget)),
            _ => arranged.Order(By(query.SortTarget)),
        };
        List<KeyRecord> all = ReferenceEquals(arranged, records) ? records : [.. arranged];
        bool hasMore = query.Limit > 0 && all.Count > query.Limit;
        return new RangeResult(hasMore ? all[..(int)query.Limit] : all, count, hasMore);
    }

    private static bool Passes(RangeQuery query, KeyRecord record) =>
        (query.ModRevisionMin == 0 || record.ModRevision >= query.ModRevisionMin)
        && (query.ModRevisionMax == 0 || record.ModRevision <= query.ModRevisionMax)
        && (query.CreateRevisionMin == 0 || record.CreateRevision >= query.CreateRevisionMin)
        && (query.CreateRevisionMax == 0 || record.CreateRevision <= query.CreateRevisionMax);

    private static Comparer<KeyRecord> By(RangeSortTarget target) => target switch
    {
        RangeSortTarget.Key => Comparer<KeyRecord>.Create(
            static (one, other) => one.Key.AsSpan().SequenceCompareTo(other.Key)),
        RangeSortTarget.Version => Comparer<KeyRecord>.Create(
            static (one, other) => one.Version.CompareTo(other.Version)),
        RangeSortTarget.CreateRevision => Comparer<KeyRecord>.Create(
            static (one, other) => one.CreateRevision.CompareTo(other.CreateRevision)),
        RangeSortTarget.ModRevision => Comparer<KeyRecord>.Create(
            static (one, other) => one.ModRevision.CompareTo(other.ModRevision)),
        RangeSortTarget.Value => Comparer<KeyRecord>.Create(
            static (one, other) => one.Value.AsSpan().SequenceCompareTo(other.Value)),
        _ => throw new UnreachableException($"Unknown sort target {target}."),
    };
}
