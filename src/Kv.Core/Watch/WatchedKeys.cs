using Kv.Core.Store;

namespace Kv.Core.Watch;

/// <summary>Which mutations a watcher is told.</summary>
/// <param name="Range">Key and range end only.</param>
public sealed record WatchedKeys(RangeQuery Range, bool NoPuts = false, bool NoDeletes = false)
{
    // The smallest key there can be: etcd takes it for no key.
    private static readonly byte[] SmallestKey = [0];

    /// <summary>As etcd reads a request: no key is the smallest one.</summary>
    public static WatchedKeys Of(
        ReadOnlyMemory<byte> key,
        ReadOnlyMemory<byte> rangeEnd,
        bool noPuts = false,
        bool noDeletes = false) =>
        new(new RangeQuery(key.IsEmpty ? SmallestKey : key, rangeEnd), noPuts, noDeletes);

    /// <summary>No key lies in it.</summary>
    public bool IsEmpty => !Range.RangeEnd.IsEmpty && End is { } end
        && Range.Key.Span.SequenceCompareTo(end.Span) >= 0;

    internal ReadOnlyMemory<byte> Key => Range.Key;

    /// <summary>The first key behind the range; null: it has no end.</summary>
    internal ReadOnlyMemory<byte>? End =>
        Range.RangeEnd.Span is [0] ? default(ReadOnlyMemory<byte>?) : Range.RangeEnd;

    internal bool IsSingle => Range.RangeEnd.IsEmpty;

    /// <summary>Of a key in the range.</summary>
    internal bool Passes(KeyRecord record) => !(record.IsDeleted ? NoDeletes : NoPuts);

    internal bool Wants(KeyRecord record) => Passes(record) && Range.Contains(record.Key);
}
