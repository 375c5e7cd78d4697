namespace Kv.Core.Store;

/// <summary>What holds of every <see cref="OrderedIndex{T}"/> between two calls.</summary>
internal static class IndexInvariants
{
    /// <exception cref="InvalidOperationException">The tree is damaged: a defect of the index.</exception>
    public static void Check(IndexNode root, long epochMax)
    {
        Require(root.Level == 0 || root.Count > 1, "a root with one child was not collapsed");
        CheckNode(root, lowest: [], beyond: null, epochMax, isRightEdge: true, isRoot: true);
    }

    private static void CheckNode(
        IndexNode node, byte[] lowest, byte[]? beyond, long epochMax, bool isRightEdge, bool isRoot)
    {
        int fillMin = (isRoot, isRightEdge, node.Level) switch
        {
            (true, _, _) => 0,
            (_, true, 0) => 1,
            (_, true, _) => 2,
            _ => IndexNode.FillMin,
        };
        bool isFilled = node.Count >= fillMin && node.Count <= IndexNode.Capacity;
        Require(isFilled, $"a node has {node.Count} entries");
        Require(node.Epoch <= epochMax, "a node is younger than its parent: a shared parent was changed");
        CheckKeys(node, lowest, beyond);

        int entries = node.Level == 0 ? node.Count : 0;
        for (int at = 0; node.Level > 0 && at < node.Count; at++)
        {
            IndexNode child = node.Child(at);
            bool isLast = at == node.Count - 1;
            Require(child.Level == node.Level - 1, "leaves are not all equally deep");
            byte[]? childBeyond = isLast ? beyond : node.Key(at + 1);
            CheckNode(child, node.Key(at), childBeyond, node.Epoch, isRightEdge && isLast, isRoot: false);
            entries += child.Entries;
        }
        Require(node.Entries == entries, $"a node counts {node.Entries} entries and has {entries}");
    }

    private static void CheckKeys(IndexNode node, byte[] lowest, byte[]? beyond)
    {
        bool isSame = node.Level == 0 || node.Key(0).AsSpan().SequenceEqual(lowest);
        Require(isSame, "the first separator of a node is not the one its parent has for it");
        for (int at = 0; at < node.Count; at++)
        {
            ReadOnlySpan<byte> key = node.Key(at);
            ReadOnlySpan<byte> before = at == 0 ? lowest : node.Key(at - 1);
            int order = before.SequenceCompareTo(key);
            Require(order < 0 || (order == 0 && at == 0), "keys are out of order");
            Require(beyond is null || key.SequenceCompareTo(beyond) < 0, "a key is above the next separator");
            Require(node.StoredPrefix(at) == IndexNode.PrefixOf(key), "a prefix is not its key's");
        }
        for (int at = node.Count; at < IndexNode.Capacity; at++)
        {
            Require(node.IsVacant(at), "a vacated place keeps its key or value alive");
        }
    }

    private static void Require(bool holds, string otherwise)
    {
        if (!holds) { throw new InvalidOperationException($"Index invariant broken: {otherwise}."); }
    }
}
