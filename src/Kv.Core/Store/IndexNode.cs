using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Kv.Core.Store;

/// <summary>A node of an <see cref="OrderedIndex{T}"/>: up to 64 keys in order, each with an item.</summary>
/// <remarks>
/// Leaves and inner nodes have the same shape, so one set of moves serves both. In a leaf (level 0) an item
/// is the caller's value; above, it is a child, and its key is a separator: a lower bound of every key below
/// that child and above every key of the child before. A separator outlives the removal of the key it was
/// taken from.
/// <code>
///         level 1   [ ""    | "k"     | "t"  ]     "" : the leftmost separators are below all keys
///                     |        |        |
///         level 0   a b f    m n o    t u z        "k" was removed, its separator stays
/// </code>
/// A node that a view can reach is never written again: see <see cref="Epoch"/>.
/// </remarks>
internal sealed class IndexNode(int level, long epoch)
{
    /// <summary>Most entries of a node. Wider ones search less and copy more after a snapshot.</summary>
    public const int Capacity = 64;

    /// <summary>Fewest entries of a node off the right edge; with fewer left, it rebalances.</summary>
    public const int FillMin = 24;

    /// <summary>Siblings merge up to this sum and share evenly above it, to leave room for inserts.</summary>
    public const int MergedMax = 56;

    private const int PrefixBytes = sizeof(ulong);

    // Filled in [0, Count); the rest is default, so that a removed key or value can be collected.
    private PrefixSlots _prefixes;
    private KeySlots _keys;
    private ItemSlots _items;
    private int _entriesBelow;

    /// <summary>The epoch this node was made in, the only one in which it may change in place.</summary>
    public long Epoch { get; private set; } = epoch;

    public int Level { get; } = level;

    public int Count { get; private set; }

    /// <summary>How many entries the leaves below hold; of a leaf, its own count.</summary>
    public int Entries => Level == 0 ? Count : _entriesBelow;

    public byte[] Key(int at) => _keys[at];

    // The cast is unchecked: only an index of T puts items into its leaves, and only its views share them.
    public T Value<T>(int at) where T : class => Unsafe.As<T>(_items[at]);

    public IndexNode Child(int at) => (IndexNode)_items[at];

    public void SetItem(int at, object item) => _items[at] = item;

    public void SetKey(int at, byte[] key) => (_keys[at], _prefixes[at]) = (key, PrefixOf(key));

    /// <summary>How many keys of this node are below <paramref name="key"/>.</summary>
    public int LowerBound(ReadOnlySpan<byte> key) => CountOrderedBelow(key, orderLimit: 0);

    /// <summary>Whether the key at a place given by <see cref="LowerBound"/> is that very key.</summary>
    public bool HasKey(int at, ReadOnlySpan<byte> key) =>
        at < Count && _prefixes[at] == PrefixOf(key) && key.SequenceEqual(_keys[at]);

    /// <summary>Which child of an inner node has the entries from <paramref name="key"/> on.</summary>
    public int ChildAt(ReadOnlySpan<byte> key) => Math.Max(CountOrderedBelow(key, orderLimit: 1) - 1, 0);

    /// <summary>Which child of an inner node has the entries just below <paramref name="key"/>.</summary>
    public int ChildBelow(ReadOnlySpan<byte> key) => Math.Max(CountOrderedBelow(key, orderLimit: 0) - 1, 0);

    /// <summary>Requires room: <see cref="Count"/> below <see cref="Capacity"/>.</summary>
    public void InsertAt(int at, byte[] key, object item)
    {
        OpenGap(at, 1);
        SetKey(at, key);
        SetItem(at, item);
    }

    public void RemoveAt(int at) => CloseGap(at, 1);

    /// <summary>Moves the last <paramref name="count"/> entries to the front of the right sibling.</summary>
    public void MoveTailTo(IndexNode right, int count)
    {
        right.OpenGap(0, count);
        CopyTo(right, Count - count, 0, count);
        CloseGap(Count - count, count);
        RecountEntries();
        right.RecountEntries();
    }

    /// <summary>Takes over the first <paramref name="count"/> entries of the right sibling.</summary>
    public void TakeHeadOf(IndexNode right, int count)
    {
        int at = Count;
        OpenGap(at, count);
        right.CopyTo(this, 0, at, count);
        right.CloseGap(0, count);
        RecountEntries();
        right.RecountEntries();
    }

    public void AddEntriesBelow(int change) => _entriesBelow += change;

    public void RecountEntries()
    {
        _entriesBelow = 0;
        for (int at = 0; Level > 0 && at < Count; at++)
        {
            _entriesBelow += Child(at).Entries;
        }
    }

    /// <summary>A copy that may change during <paramref name="epoch"/>; this node stays as it is.</summary>
    public IndexNode CopyFor(long epoch)
    {
        var copy = (IndexNode)MemberwiseClone();
        copy.Epoch = epoch;
        return copy;
    }

    /// <summary>The first bytes of a key as a number in key order: unequal prefixes order their keys, equal
    /// ones say nothing ("a" and "a\0" tie).</summary>
    public static ulong PrefixOf(ReadOnlySpan<byte> key)
    {
        if (key.Length >= PrefixBytes) { return BinaryPrimitives.ReadUInt64BigEndian(key); }
        Span<byte> padded = stackalloc byte[PrefixBytes];
        padded.Clear();
        key.CopyTo(padded);
        return BinaryPrimitives.ReadUInt64BigEndian(padded);
    }

    public ulong StoredPrefix(int at) => _prefixes[at];

    public bool IsVacant(int at) => _keys[at] is null && _items[at] is null;

    /// <summary>How many keys compare to <paramref name="key"/> as less than the limit: 0 for those below it,
    /// 1 for those not above it. Reads a key's bytes, likely not in cache, only if its prefix ties.</summary>
    private int CountOrderedBelow(ReadOnlySpan<byte> key, int orderLimit)
    {
        ulong prefix = PrefixOf(key);
        (int low, int high) = (0, Count);
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            ulong other = _prefixes[middle];
            bool counts = other == prefix
                ? _keys[middle].AsSpan().SequenceCompareTo(key) < orderLimit
                : other < prefix;
            if (counts)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }
        return low;
    }

    private void OpenGap(int at, int count)
    {
        int moved = Count - at;
        Span<ulong> prefixes = _prefixes;
        Span<byte[]> keys = _keys;
        Span<object> items = _items;
        prefixes.Slice(at, moved).CopyTo(prefixes[(at + count)..]);
        keys.Slice(at, moved).CopyTo(keys[(at + count)..]);
        items.Slice(at, moved).CopyTo(items[(at + count)..]);
        Count += count;
    }

    private void CloseGap(int at, int count)
    {
        CopyTo(this, at + count, at, Count - at - count);
        Count -= count;
        ((Span<byte[]>)_keys).Slice(Count, count).Clear();
        ((Span<object>)_items).Slice(Count, count).Clear();
    }

    private void CopyTo(IndexNode target, int from, int to, int count)
    {
        ((Span<ulong>)_prefixes).Slice(from, count).CopyTo(((Span<ulong>)target._prefixes)[to..]);
        ((Span<byte[]>)_keys).Slice(from, count).CopyTo(((Span<byte[]>)target._keys)[to..]);
        ((Span<object>)_items).Slice(from, count).CopyTo(((Span<object>)target._items)[to..]);
    }

    // Inline, so that a node is one object: one allocation to make or copy it, one address to follow.
    [InlineArray(Capacity)]
    private struct PrefixSlots { private ulong _first; }

    [InlineArray(Capacity)]
    private struct KeySlots { private byte[] _first; }

    [InlineArray(Capacity)]
    private struct ItemSlots { private object _first; }
}
