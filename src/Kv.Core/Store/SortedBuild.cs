namespace Kv.Core.Store;

/// <summary>Builds the nodes of an <see cref="OrderedIndex{T}"/>, each full, from entries in order.</summary>
internal sealed class SortedBuild
{
    // An index begins in epoch 0, so it owns what is built here.
    private const long FirstEpoch = 0;

    private readonly List<IndexNode> _leaves = [new IndexNode(level: 0, FirstEpoch)];
    private byte[]? _last;

    /// <exception cref="ArgumentException">The key is not above the one before.</exception>
    public void Append(byte[] key, object value)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(value);
        if (_last is not null && key.AsSpan().SequenceCompareTo(_last) <= 0)
        {
            throw new ArgumentException("The keys are not strictly increasing.", nameof(key));
        }
        if (_leaves[^1].Count == IndexNode.Capacity)
        {
            _leaves.Add(new IndexNode(level: 0, FirstEpoch));
        }
        _leaves[^1].InsertAt(_leaves[^1].Count, key, value);
        _last = key;
    }

    public IndexNode ToRoot()
    {
        List<IndexNode> nodes = _leaves;
        while (nodes.Count > 1)
        {
            nodes = ParentsOf(nodes);
        }
        return nodes[0];
    }

    private static List<IndexNode> ParentsOf(List<IndexNode> nodes)
    {
        var parents = new List<IndexNode>();
        for (int at = 0; at < nodes.Count; at++)
        {
            // The last two stay together: a child needs a sibling to rebalance with.
            int room = at == nodes.Count - 2 ? 2 : 1;
            if (parents.Count == 0 || parents[^1].Count + room > IndexNode.Capacity)
            {
                parents.Add(new IndexNode(nodes[at].Level + 1, FirstEpoch));
            }
            byte[] separator = at == 0 ? [] : nodes[at].Key(0);
            parents[^1].InsertAt(parents[^1].Count, separator, nodes[at]);
        }
        foreach (IndexNode parent in parents)
        {
            parent.RecountEntries();
        }
        return parents;
    }
}
