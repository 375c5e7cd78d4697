namespace Kv.Core.Store;

/// <summary>Which keys are read, as of when, and how they are given.</summary>
/// <param name="Key">The key, or the first of the range; not empty.</param>
/// <param name="RangeEnd">
/// Empty: the key alone. One byte 0: all keys from <paramref name="Key"/> on. Else the first key behind the
/// range.
/// </param>
public sealed record RangeQuery(ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> RangeEnd = default)
{
    /// <summary>Most records given; 0 or less: all.</summary>
    public long Limit { get; init; }

    /// <summary>As the keys were at that revision; 0 or less: as they are.</summary>
    public long Revision { get; init; }

    public RangeSort Sort { get; init; }

    public RangeSortTarget SortTarget { get; init; }

    /// <summary>Records without their values.</summary>
    public bool KeysOnly { get; init; }

    /// <summary>The count and no records.</summary>
    public bool CountOnly { get; init; }

    /// <summary>Records below that modification revision are left out; 0: none. The count has them.</summary>
    public long ModRevisionMin { get; init; }

    /// <inheritdoc cref="ModRevisionMin"/>
    public long ModRevisionMax { get; init; }

    /// <inheritdoc cref="ModRevisionMin"/>
    public long CreateRevisionMin { get; init; }

    /// <inheritdoc cref="ModRevisionMin"/>
    public long CreateRevisionMax { get; init; }

    /// <summary>The key lies in the range.</summary>
    public bool Contains(ReadOnlySpan<byte> key) => IsSingle
        ? key.SequenceEqual(Key.Span)
        : key.SequenceCompareTo(Key.Span) >= 0
            && (RangeEnd.Span is [0] || key.SequenceCompareTo(RangeEnd.Span) < 0);

    internal bool IsSingle => RangeEnd.IsEmpty;

    internal bool IsFiltered =>
        (ModRevisionMin | ModRevisionMax | CreateRevisionMin | CreateRevisionMax) != 0;
}

/// <summary>Numbers as in etcd's RangeRequest.SortOrder.</summary>
public enum RangeSort : byte
{
    /// <summary>By key; by another target as <see cref="Ascending"/>.</summary>
    None = 0,
    Ascending = 1,
    Descending = 2,
}

/// <summary>Numbers as in etcd's RangeRequest.SortTarget.</summary>
public enum RangeSortTarget : byte
{
    Key = 0,
    Version = 1,
    CreateRevision = 2,
    ModRevision = 3,
    Value = 4,
}

/// <param name="Records">
/// In the order asked for; shared with the store. <see cref="RangeQuery.KeysOnly"/> is the giver's to heed.
/// </param>
/// <param name="Count">All keys of the range at that revision, whatever limit and filters left out.</param>
/// <param name="HasMore">The limit left some out.</param>
public sealed record RangeResult(IReadOnlyList<KeyRecord> Records, long Count, bool HasMore);
