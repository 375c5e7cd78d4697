using System.Diagnostics.CodeAnalysis;

namespace Kv.Core.Store;

/// <summary>An <see cref="OrderedIndex{T}"/> as it was at one moment; immutable, safe on any
/// thread.</summary>
/// <remarks>It keeps the nodes of its moment in memory until it is dropped.</remarks>
public sealed class OrderedIndexView<T> where T : class
{
    private readonly IndexNode _root;

    internal OrderedIndexView(IndexNode root) => _root = root;

    public int Count => _root.Entries;

    public bool TryGet(ReadOnlySpan<byte> key, [MaybeNullWhen(false)] out T value) =>
        IndexReads.TryGet(_root, key, out value);

    /// <summary>Entries with from ≤ key &lt; toExclusive, ascending; null or empty is no upper bound. The
    /// caller leaves the bytes of both bounds, and of every key it is given, as they are.</summary>
    public OrderedRange<T> Scan(
        ReadOnlyMemory<byte> from = default, ReadOnlyMemory<byte>? toExclusive = null) =>
        new(_root, from, toExclusive ?? default, descending: false, live: null);

    /// <summary>The entries of <see cref="Scan"/>, last first.</summary>
    public OrderedRange<T> ScanDescending(
        ReadOnlyMemory<byte> from = default, ReadOnlyMemory<byte>? toExclusive = null) =>
        new(_root, from, toExclusive ?? default, descending: true, live: null);

    /// <summary>How many keys <see cref="Scan"/> of the same range yields, in O(log n).</summary>
    public int CountRange(ReadOnlySpan<byte> from, ReadOnlySpan<byte> toExclusive) =>
        IndexReads.CountRange(_root, from, toExclusive);

    /// <summary>Throws when the tree is damaged; for tests, O(n).</summary>
    internal void CheckInvariants() => IndexInvariants.Check(_root, epochMax: long.MaxValue);
}
