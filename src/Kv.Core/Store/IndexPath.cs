using System.Runtime.CompilerServices;

namespace Kv.Core.Store;

/// <summary>The nodes from the root to a leaf, with the place taken in each; lives on a stack.</summary>
internal struct IndexPath
{
    // Nodes of 24 at the least (the right edge apart) hold 2^31 entries on levels 0 to 6; one place to spare.
    private const int DepthMax = 8;

    private Nodes _nodes;
    private Places _places;

    /// <summary>How far below the root the leaf is.</summary>
    public int Depth { get; private set; }

    /// <summary>Whether the leaf has the sought key, at <see cref="PlaceInLeaf"/>.</summary>
    public bool Found { get; private set; }

    public IndexNode this[int depth]
    {
        readonly get => _nodes[depth];
        set => _nodes[depth] = value;
    }

    public readonly IndexNode Leaf => _nodes[Depth];

    /// <summary>Where the sought key is or belongs: the place of the first key not below it.</summary>
    public readonly int PlaceInLeaf => _places[Depth];

    public readonly int Place(int depth) => _places[depth];

    public static IndexPath To(IndexNode root, ReadOnlySpan<byte> key)
    {
        IndexPath path = default;
        IndexNode node = root;
        while (node.Level > 0)
        {
            int place = node.ChildAt(key);
            path._nodes[path.Depth] = node;
            path._places[path.Depth] = place;
            path.Depth++;
            node = node.Child(place);
        }
        path._nodes[path.Depth] = node;
        path._places[path.Depth] = node.LowerBound(key);
        path.Found = node.HasKey(path.PlaceInLeaf, key);
        return path;
    }

    /// <summary>Whether the node at <paramref name="depth"/> is the last of its level.</summary>
    public readonly bool IsRightEdge(int depth)
    {
        for (int above = 0; above < depth; above++)
        {
            if (_places[above] < _nodes[above].Count - 1) { return false; }
        }
        return true;
    }

    [InlineArray(DepthMax)]
    private struct Nodes { private IndexNode _first; }

    [InlineArray(DepthMax)]
    private struct Places { private int _first; }
}
