using System.Collections;

namespace Kv.Core.Store;

/// <summary>The entries of a map between two keys, in either order; foreach allocates nothing.</summary>
public readonly struct OrderedRange<T> : IEnumerable<KeyValuePair<byte[], T>> where T : class
{
    // Null only in a default range, which is empty.
    private readonly IndexNode? _root;
    private readonly ReadOnlyMemory<byte> _from;
    private readonly ReadOnlyMemory<byte> _toExclusive;
    private readonly bool _descending;
    private readonly OrderedIndex<T>? _live;
    private readonly long _writes;

    internal OrderedRange(
        IndexNode root,
        ReadOnlyMemory<byte> from,
        ReadOnlyMemory<byte> toExclusive,
        bool descending,
        OrderedIndex<T>? live)
    {
        _root = root;
        _from = from;
        _toExclusive = toExclusive;
        _descending = descending;
        _live = live;
        _writes = live?.Writes ?? 0;
    }

    public Enumerator GetEnumerator() => new(in this);

    IEnumerator<KeyValuePair<byte[], T>> IEnumerable<KeyValuePair<byte[], T>>.GetEnumerator() =>
        GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Goes through one leaf at a time and finds the next one from the root by the separator between
    /// them: less to carry than a path, and a descent pays for some 45 steps.</summary>
    public struct Enumerator : IEnumerator<KeyValuePair<byte[], T>>
    {
        private readonly OrderedRange<T> _range;
        private IndexNode? _leaf;

        // The places of _leaf that are in the range and not yet passed, _at being the current one.
        private int _at;
        private int _end;

        // The separator beyond which the next leaf is; null when no further leaf can be in the range.
        private byte[]? _edge;

        internal Enumerator(in OrderedRange<T> range) => _range = range;

        public readonly KeyValuePair<byte[], T> Current => new(_leaf!.Key(_at), _leaf.Value<T>(_at));

        readonly object IEnumerator.Current => Current;

        public bool MoveNext()
        {
            if (_range._root is null) { return false; }
            if (_range._live is { } live && live.Writes != _range._writes)
            {
                throw new InvalidOperationException("The map was written to during a scan of it.");
            }
            return _range._descending ? MoveDown() : MoveUp();
        }

        public void Reset() => this = new Enumerator(in _range);

        public readonly void Dispose() { }

        private bool MoveUp()
        {
            _at++;
            while (_leaf is null || (_at >= _end && _edge is not null))
            {
                EnterLeafUpwards();
            }
            return _at < _end;
        }

        private void EnterLeafUpwards()
        {
            ReadOnlySpan<byte> to = _range._toExclusive.Span;
            bool first = _leaf is null;
            ReadOnlySpan<byte> sought = first ? _range._from.Span : _edge;
            IndexNode node = _range._root!;
            _edge = null;
            while (node.Level > 0)
            {
                int place = node.ChildAt(sought);
                if (place + 1 < node.Count) { _edge = node.Key(place + 1); }
                node = node.Child(place);
            }
            _leaf = node;
            _at = first ? node.LowerBound(sought) : 0;
            bool isLast = !to.IsEmpty && (_edge is null || to.SequenceCompareTo(_edge) <= 0);
            _end = isLast ? node.LowerBound(to) : node.Count;
            if (isLast) { _edge = null; }
        }

        private bool MoveDown()
        {
            _at--;
            while (_leaf is null || (_at < _end && _edge is not null))
            {
                EnterLeafDownwards();
            }
            return _at >= _end;
        }

        private void EnterLeafDownwards()
        {
            ReadOnlySpan<byte> from = _range._from.Span;
            ReadOnlySpan<byte> sought = _leaf is null ? _range._toExclusive.Span : _edge;
            IndexNode node = _range._root!;
            _edge = null;
            while (node.Level > 0)
            {
                int place = sought.IsEmpty ? node.Count - 1 : node.ChildBelow(sought);
                if (place > 0) { _edge = node.Key(place); }
                node = node.Child(place);
            }
            _leaf = node;
            _at = (sought.IsEmpty ? node.Count : node.LowerBound(sought)) - 1;
            bool isLast = _edge is null || from.SequenceCompareTo(_edge) >= 0;
            _end = isLast ? node.LowerBound(from) : 0;
            if (isLast) { _edge = null; }
        }
    }
}
