namespace Kv.Core.Watch;

/// <summary>
/// Ranges of keys with a value to each, balanced by height; every node knows the farthest end below it, so
/// that a search leaves out what ends before the key. One owner.
/// </summary>
internal sealed class IntervalTree<TValue>
{
    private Node? _root;

    /// <param name="end">Exclusive; null: no end.</param>
    public TValue GetOrAdd(ReadOnlyMemory<byte> start, ReadOnlyMemory<byte>? end, Func<TValue> make)
    {
        if (FindNode(start, end) is { } found)
        {
            return found.Value;
        }
        var added = new Node(start, end, make());
        _root = Insert(_root, added);
        return added.Value;
    }

    public TValue? Find(ReadOnlyMemory<byte> start, ReadOnlyMemory<byte>? end) =>
        FindNode(start, end) is { } found ? found.Value : default;

    public void Remove(ReadOnlyMemory<byte> start, ReadOnlyMemory<byte>? end) =>
        _root = Remove(_root, start, end);

    /// <summary>Gives the values of all ranges that a key lies in.</summary>
    public void Collect<TState>(
        ReadOnlySpan<byte> key, TState state, Action<TValue, TState> take) =>
        Collect(_root, key, state, take);

    private static void Collect<TState>(
        Node? node, ReadOnlySpan<byte> key, TState state, Action<TValue, TState> take)
    {
        while (node is not null && IsBefore(key, node.FarthestEnd))
        {
            Collect(node.Left, key, state, take);
            if (key.SequenceCompareTo(node.Start.Span) < 0)
            {
                return;
            }
            if (IsBefore(key, node.End))
            {
                take(node.Value, state);
            }
            node = node.Right;
        }
    }

    private Node? FindNode(ReadOnlyMemory<byte> start, ReadOnlyMemory<byte>? end)
    {
        Node? node = _root;
        while (node is not null)
        {
            int order = Compare(start, end, node);
            if (order == 0)
            {
                return node;
            }
            node = order < 0 ? node.Left : node.Right;
        }
        return null;
    }

    private static Node Insert(Node? node, Node added)
    {
        if (node is null)
        {
            return added;
        }
        if (Compare(added.Start, added.End, node) < 0)
        {
            node.Left = Insert(node.Left, added);
        }
        else
        {
            node.Right = Insert(node.Right, added);
        }
        return Balance(node);
    }

    private static Node? Remove(Node? node, ReadOnlyMemory<byte> start, ReadOnlyMemory<byte>? end)
    {
        if (node is null)
        {
            return null;
        }
        int order = Compare(start, end, node);
        if (order < 0)
        {
            node.Left = Remove(node.Left, start, end);
        }
        else if (order > 0)
        {
            node.Right = Remove(node.Right, start, end);
        }
        else if (node.Left is null || node.Right is null)
        {
            return node.Left ?? node.Right;
        }
        else
        {
            Node next = node.Right;
            while (next.Left is not null)
            {
                next = next.Left;
            }
            Node? rest = Remove(node.Right, next.Start, next.End);
            (next.Left, next.Right) = (node.Left, rest);
            node = next;
        }
        return Balance(node);
    }

    private static Node Balance(Node node)
    {
        node.Update();
        if (node.Lean > 1)
        {
            if (node.Left!.Lean < 0)
            {
                node.Left = RotateLeft(node.Left);
            }
            return RotateRight(node);
        }
        if (node.Lean < -1)
        {
            if (node.Right!.Lean > 0)
            {
                node.Right = RotateRight(node.Right);
            }
            return RotateLeft(node);
        }
        return node;
    }

    private static Node RotateRight(Node node)
    {
        Node top = node.Left!;
        (node.Left, top.Right) = (top.Right, node);
        node.Update();
        top.Update();
        return top;
    }

    private static Node RotateLeft(Node node)
    {
        Node top = node.Right!;
        (node.Right, top.Left) = (top.Left, node);
        node.Update();
        top.Update();
        return top;
    }

    private static int Compare(ReadOnlyMemory<byte> start, ReadOnlyMemory<byte>? end, Node node)
    {
        int order = start.Span.SequenceCompareTo(node.Start.Span);
        return order != 0 ? order : CompareEnds(end, node.End);
    }

    // No end is behind all ends.
    private static int CompareEnds(ReadOnlyMemory<byte>? one, ReadOnlyMemory<byte>? other) =>
        (one, other) switch
        {
            (null, null) => 0,
            (null, _) => 1,
            (_, null) => -1,
            ({ } end, { } otherEnd) => end.Span.SequenceCompareTo(otherEnd.Span),
        };

    private static bool IsBefore(ReadOnlySpan<byte> key, ReadOnlyMemory<byte>? end) =>
        end is not { } bound || key.SequenceCompareTo(bound.Span) < 0;

    private sealed class Node(ReadOnlyMemory<byte> start, ReadOnlyMemory<byte>? end, TValue value)
    {
        public ReadOnlyMemory<byte> Start { get; } = start;

        public ReadOnlyMemory<byte>? End { get; } = end;

        public TValue Value { get; } = value;

        public Node? Left { get; set; }

        public Node? Right { get; set; }

        public ReadOnlyMemory<byte>? FarthestEnd { get; private set; } = end;

        public int Lean => (Left?._height ?? 0) - (Right?._height ?? 0);

        private int _height = 1;

        public void Update()
        {
            _height = 1 + Math.Max(Left?._height ?? 0, Right?._height ?? 0);
            FarthestEnd = End;
            Reach(Left);
            Reach(Right);
        }

        private void Reach(Node? below)
        {
            if (below is not null && CompareEnds(below.FarthestEnd, FarthestEnd) > 0)
            {
                FarthestEnd = below.FarthestEnd;
            }
        }
    }
}
