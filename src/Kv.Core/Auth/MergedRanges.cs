using Kv.Core.Entries;

namespace Kv.Core.Auth;

/// <summary>
/// Ranges of keys with those that overlap or touch made one: whether they cover another range is found by
/// one binary search.
/// </summary>
/// <remarks>
/// Ranges [a, c) and [b, d) make [a, d), which covers [a, d) though neither of them does: as etcd has it.
/// An empty key in a permission stands above all others, also as in etcd: such a permission gives nothing.
/// </remarks>
internal sealed class MergedRanges
{
    // Ends are exclusive; an empty one is above every key. Ascending and apart from each other.
    private readonly List<(ReadOnlyMemory<byte> Begin, ReadOnlyMemory<byte> End)> _ranges = [];

    public MergedRanges(IEnumerable<KeyPermission> permissions)
    {
        foreach ((ReadOnlyMemory<byte> begin, ReadOnlyMemory<byte> end) in permissions
            .Where(static permission => !permission.Key.IsEmpty)
            .Select(static permission => (permission.Key, End(permission)))
            .Where(static range => IsBelowEnd(range.Key.Span, range.Item2.Span))
            .OrderBy(static range => range.Key, KeyPermissions.ByBytes))
        {
            if (_ranges.Count == 0 || !Touches(begin.Span, _ranges[^1].End.Span))
            {
                _ranges.Add((begin, end));
            }
            else if (!ReachesTo(_ranges[^1].End.Span, end.Span))
            {
                _ranges[^1] = (_ranges[^1].Begin, end);
            }
        }
    }

    /// <summary>How many there are when they are merged.</summary>
    public int Count => _ranges.Count;

    /// <param name="key">Empty: from the first key on.</param>
    /// <param name="rangeEnd">As <see cref="Store.RangeQuery.RangeEnd"/>.</param>
    /// <remarks>A range without keys, its end not behind its key, needs its key to be covered.</remarks>
    public bool Covers(ReadOnlySpan<byte> key, ReadOnlySpan<byte> rangeEnd)
    {
        if (key.IsEmpty)
        {
            key = [0];
        }
        int low = 0;
        int high = _ranges.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_ranges[middle].Begin.Span.SequenceCompareTo(key) <= 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }
        if (low == 0 || !IsBelowEnd(key, _ranges[low - 1].End.Span))
        {
            return false;
        }
        return rangeEnd.IsEmpty
            || ReachesTo(_ranges[low - 1].End.Span, rangeEnd is [0] ? [] : rangeEnd);
    }

    private static ReadOnlyMemory<byte> End(KeyPermission permission) => permission.RangeEnd.Span switch
    {
        [] => (byte[])[.. permission.Key.Span, 0],
        [0] => ReadOnlyMemory<byte>.Empty,
        _ => permission.RangeEnd,
    };

    private static bool IsBelowEnd(ReadOnlySpan<byte> key, ReadOnlySpan<byte> end) =>
        end.IsEmpty || key.SequenceCompareTo(end) < 0;

    private static bool Touches(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end) =>
        end.IsEmpty || begin.SequenceCompareTo(end) <= 0;

    /// <summary>One end is at or behind the other.</summary>
    private static bool ReachesTo(ReadOnlySpan<byte> end, ReadOnlySpan<byte> other) =>
        end.IsEmpty || (!other.IsEmpty && end.SequenceCompareTo(other) >= 0);
}

/// <summary>The order of permissions in a role.</summary>
internal static class KeyPermissions
{
    public static IComparer<ReadOnlyMemory<byte>> ByBytes { get; } = Comparer<ReadOnlyMemory<byte>>.Create(
        static (one, other) => one.Span.SequenceCompareTo(other.Span));

    public static IComparer<KeyPermission> ByRange { get; } = Comparer<KeyPermission>.Create(
        static (one, other) => one.Key.Span.SequenceCompareTo(other.Key.Span) is not 0 and var byKey
            ? byKey
            : one.RangeEnd.Span.SequenceCompareTo(other.RangeEnd.Span));
}
