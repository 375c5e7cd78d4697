using System.Diagnostics.CodeAnalysis;

namespace Kv.Core.Store;

/// <summary>What can be asked of a root, be it live or frozen in a view.</summary>
internal static class IndexReads
{
    public static bool TryGet<T>(IndexNode root, ReadOnlySpan<byte> key, [MaybeNullWhen(false)] out T value)
        where T : class
    {
        IndexNode node = root;
        while (node.Level > 0)
        {
            node = node.Child(node.ChildAt(key));
        }
        int at = node.LowerBound(key);
        bool found = node.HasKey(at, key);
        value = found ? node.Value<T>(at) : null;
        return found;
    }

    public static int CountRange(IndexNode root, ReadOnlySpan<byte> from, ReadOnlySpan<byte> toExclusive)
    {
        int end = toExclusive.IsEmpty ? root.Entries : CountBelow(root, toExclusive);
        return Math.Max(end - CountBelow(root, from), 0);
    }

    private static int CountBelow(IndexNode root, ReadOnlySpan<byte> key)
    {
        int below = 0;
        IndexNode node = root;
        while (node.Level > 0)
        {
            int place = node.ChildAt(key);
            for (int at = 0; at < place; at++)
            {
                below += node.Child(at).Entries;
            }
            node = node.Child(place);
        }
        return below + node.LowerBound(key);
    }
}
