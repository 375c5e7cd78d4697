using System.Diagnostics.CodeAnalysis;

namespace Kv.Core.Store;

/// <summary>Ordered map from byte-string keys (bytewise, unsigned) to <typeparamref name="T"/>.</summary>
/// <remarks>
/// A copy-on-write B+tree. <see cref="Snapshot"/> hands out the root and begins a new epoch; from then on a
/// write copies each node of an earlier epoch on its way down, once, and changes the copy. So no node that a
/// view can reach is ever written, and a view may be read on any thread it was safely handed to (a message, a
/// queue, an awaited task). The map itself has one owner at a time. A key array belongs to the map once it is
/// in: neither the giver nor a reader may change its bytes.
/// </remarks>
public sealed class OrderedIndex<T> where T : class
{
    // Nodes of this epoch are reachable from _root only; every older node may be shared with a view.
    private long _epoch;
    private IndexNode _root;

    public OrderedIndex() => _root = new IndexNode(level: 0, _epoch);

    private OrderedIndex(IndexNode root) => _root = root;

    /// <summary>Takes over what was built: the build is not to be used again.</summary>
    internal OrderedIndex(SortedBuild build) : this(build.ToRoot()) { }

    public int Count => _root.Entries;

    /// <summary>Grows with every write: a scan of the live map sees by it that it was overtaken.</summary>
    internal long Writes { get; private set; }

    /// <summary>Builds a map with full nodes in O(n); takes ownership of the key arrays.</summary>
    /// <exception cref="ArgumentException">Keys do not strictly increase: the source is damaged.</exception>
    [SuppressMessage("Design", "CA1000", Justification = "A constructor that names what it requires.")]
    public static OrderedIndex<T> FromSorted(IEnumerable<KeyValuePair<byte[], T>> entries)
    {
        ArgumentNullException.ThrowIfNull(entries);
        var build = new SortedBuild();
        foreach ((byte[] key, T value) in entries)
        {
            build.Append(key, value);
        }
        return new OrderedIndex<T>(build.ToRoot());
    }

    public bool TryGet(ReadOnlySpan<byte> key, [MaybeNullWhen(false)] out T value) =>
        IndexReads.TryGet(_root, key, out value);

    /// <summary>Adds or replaces; returns the value replaced, or null. Takes ownership of a key that is new
    /// and goes on using the array it has for one that is not.</summary>
    public T? Set(byte[] key, T value)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(value);
        IndexPath path = IndexPath.To(_root, key);
        MakeWritable(ref path, entriesAdded: path.Found ? 0 : 1);
        Writes++;
        if (!path.Found)
        {
            Insert(in path, key, value);
            return null;
        }
        T replaced = path.Leaf.Value<T>(path.PlaceInLeaf);
        path.Leaf.SetItem(path.PlaceInLeaf, value);
        return replaced;
    }

    /// <summary>Returns the value removed, or null when the key is absent.</summary>
    public T? Remove(ReadOnlySpan<byte> key)
    {
        IndexPath path = IndexPath.To(_root, key);
        if (!path.Found) { return null; }
        MakeWritable(ref path, entriesAdded: -1);
        Writes++;
        T removed = path.Leaf.Value<T>(path.PlaceInLeaf);
        path.Leaf.RemoveAt(path.PlaceInLeaf);
        Rebalance(in path);
        return removed;
    }

    /// <summary>The map as it is now, for good, in O(1). Later writes pay: each copies the nodes it changes
    /// that it has not copied since, about 1.6 KB a level.</summary>
    public OrderedIndexView<T> Snapshot()
    {
        _epoch++;
        return new OrderedIndexView<T>(_root);
    }

    /// <summary>As <see cref="Snapshot"/>, for free, but good only until the next write.</summary>
    internal OrderedIndexView<T> Peek() => new(_root);

    /// <summary>As <see cref="OrderedIndexView{T}.Scan"/>, over the live map.</summary>
    /// <exception cref="InvalidOperationException">On the step after a write: scan a snapshot.</exception>
    public OrderedRange<T> Scan(
        ReadOnlyMemory<byte> from = default, ReadOnlyMemory<byte>? toExclusive = null) =>
        new(_root, from, toExclusive ?? default, descending: false, live: this);

    /// <summary>As <see cref="OrderedIndexView{T}.ScanDescending"/>, over the live map.</summary>
    /// <exception cref="InvalidOperationException">On the step after a write: scan a snapshot.</exception>
    public OrderedRange<T> ScanDescending(
        ReadOnlyMemory<byte> from = default, ReadOnlyMemory<byte>? toExclusive = null) =>
        new(_root, from, toExclusive ?? default, descending: true, live: this);

    /// <summary>As <see cref="OrderedIndexView{T}.CountRange"/>.</summary>
    public int CountRange(ReadOnlySpan<byte> from, ReadOnlySpan<byte> toExclusive) =>
        IndexReads.CountRange(_root, from, toExclusive);

    internal IndexNode Root => _root;

    /// <summary>Throws when the tree is damaged; for tests, O(n).</summary>
    internal void CheckInvariants() => IndexInvariants.Check(_root, _epoch);

    /// <summary>Copies the path's nodes that views may share, and counts the change in.</summary>
    private void MakeWritable(ref IndexPath path, int entriesAdded)
    {
        for (int depth = 0; depth <= path.Depth; depth++)
        {
            IndexNode node = depth == 0
                ? WritableRoot()
                : WritableChild(path[depth - 1], path.Place(depth - 1));
            if (node.Level > 0) { node.AddEntriesBelow(entriesAdded); }
            path[depth] = node;
        }
    }

    private IndexNode WritableRoot()
    {
        if (_root.Epoch != _epoch) { _root = _root.CopyFor(_epoch); }
        return _root;
    }

    /// <summary>Requires a writable parent.</summary>
    private IndexNode WritableChild(IndexNode parent, int at)
    {
        IndexNode child = parent.Child(at);
        if (child.Epoch == _epoch) { return child; }
        child = child.CopyFor(_epoch);
        parent.SetItem(at, child);
        return child;
    }

    private void Insert(in IndexPath path, byte[] key, object item)
    {
        int at = path.PlaceInLeaf;
        for (int depth = path.Depth; depth >= 0; depth--)
        {
            IndexNode node = path[depth];
            if (node.Count < IndexNode.Capacity)
            {
                node.InsertAt(at, key, item);
                return;
            }
            IndexNode right = Split(node, appending: at == node.Count && path.IsRightEdge(depth));
            (IndexNode half, int atInHalf) = at < node.Count ? (node, at) : (right, at - node.Count);
            half.InsertAt(atInHalf, key, item);
            half.RecountEntries();
            if (depth > 0) { at = path.Place(depth - 1) + 1; }
            (key, item) = (right.Key(0), right);
        }
        _root = NewRoot(_root, (IndexNode)item);
    }

    /// <summary>Makes room in a full node and returns its new right sibling.</summary>
    /// <param name="appending">Ascending keys never come back to the left half: leave it full. An inner node
    /// still gives one child away, so that every child has a sibling to rebalance with.</param>
    private IndexNode Split(IndexNode node, bool appending)
    {
        var right = new IndexNode(node.Level, _epoch);
        int moved = (appending, node.Level) switch
        {
            (false, _) => IndexNode.Capacity / 2,
            (true, 0) => 0,
            (true, _) => 1,
        };
        node.MoveTailTo(right, moved);
        return right;
    }

    private IndexNode NewRoot(IndexNode left, IndexNode right)
    {
        var root = new IndexNode(left.Level + 1, _epoch);
        root.InsertAt(0, [], left);
        root.InsertAt(1, right.Key(0), right);
        root.RecountEntries();
        return root;
    }

    /// <summary>After a removal: fills up the nodes that fell short, from the leaf upwards.</summary>
    private void Rebalance(in IndexPath path)
    {
        for (int depth = path.Depth; depth > 0 && path[depth].Count < IndexNode.FillMin; depth--)
        {
            IndexNode parent = path[depth - 1];
            int leftAt = Math.Max(path.Place(depth - 1) - 1, 0);
            IndexNode left = WritableChild(parent, leftAt);
            IndexNode right = WritableChild(parent, leftAt + 1);
            MergeOrShare(left, right);
            if (right.Count == 0)
            {
                parent.RemoveAt(leftAt + 1);
            }
            else
            {
                parent.SetKey(leftAt + 1, right.Key(0));
            }
        }
        while (_root.Level > 0 && _root.Count == 1)
        {
            _root = _root.Child(0);
        }
    }

    private static void MergeOrShare(IndexNode left, IndexNode right)
    {
        int sum = left.Count + right.Count;
        int leftCount = sum <= IndexNode.MergedMax ? sum : sum / 2;
        if (leftCount > left.Count)
        {
            left.TakeHeadOf(right, leftCount - left.Count);
        }
        else
        {
            left.MoveTailTo(right, left.Count - leftCount);
        }
    }
}
