using CsCheck;
using Kv.Core.Store;

namespace Kv.Actors.Tests.Core;

/// <summary>An index beside a sorted dictionary that must agree with it after every operation.</summary>
internal sealed class OrderedIndexModel
{
    private readonly OrderedIndex<Value> _index = new();
    private readonly SortedDictionary<byte[], Value> _model = new(Bytewise);
    private readonly List<(OrderedIndexView<Value> View, KeyValuePair<byte[], Value>[] Expected)>
        _snapshots = [];
    private int _valuesMade;

    internal sealed record Value(int Number);

    internal abstract record Operation
    {
        internal sealed record Set(byte[] Key) : Operation;

        internal sealed record Remove(byte[] Key) : Operation;

        /// <summary>Sets stem + 2-byte number, for each number of the run in its order.</summary>
        internal sealed record SetRun(byte[] Stem, int First, int Count, int Step) : Operation;

        internal sealed record RemoveRange(byte[] From, byte[] ToExclusive, int Stride) : Operation;

        internal sealed record Snapshot : Operation;
    }

    public static IComparer<byte[]> Bytewise { get; } =
        Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b));

    /// <summary>Few byte values and common stems, so that keys meet, tie in their prefix and differ only in
    /// length or trailing zero bytes.</summary>
    public static Gen<byte[]> Keys { get; } = GenKeys();

    public static Gen<Operation[]> Histories { get; } = Gen.Frequency(
        (8, Keys.Select(key => (Operation)new Operation.Set(key))),
        (4, Keys.Select(key => (Operation)new Operation.Remove(key))),
        (4, Gen.Select(Keys, Gen.Int[0, 9_000], Gen.Int[1, 1_500], Gen.OneOfConst(1, 1, 7, -1),
            (stem, first, count, step) => (Operation)new Operation.SetRun(stem, first, count, step))),
        (3, Gen.Select(Keys, Keys, Gen.Int[1, 4],
            (from, to, stride) => (Operation)new Operation.RemoveRange(from, to, stride))),
        (2, Gen.Const((Operation)new Operation.Snapshot()))).Array[0, 60];

    public OrderedIndex<Value> Index => _index;

    public static OrderedIndexModel Of(Operation[] history)
    {
        var model = new OrderedIndexModel();
        foreach (Operation operation in history)
        {
            model.Apply(operation);
        }
        return model;
    }

    public void Apply(Operation operation)
    {
        switch (operation)
        {
            case Operation.Set set:
                Set(set.Key);
                break;
            case Operation.Remove remove:
                Remove(remove.Key);
                break;
            case Operation.SetRun run:
                for (int at = 0; at < run.Count; at++)
                {
                    int number = run.First + (at * run.Step);
                    Set([.. run.Stem, (byte)(number >> 8), (byte)number]);
                }
                break;
            case Operation.RemoveRange range:
                foreach (byte[] key in KeysOf(range))
                {
                    Remove(key);
                }
                break;
            case Operation.Snapshot:
                _snapshots.Add((_index.Snapshot(), [.. _model]));
                break;
        }
        _index.CheckInvariants();
    }

    public void CheckContents() => AssertSame(_model, _index.Scan());

    public void CheckSnapshots()
    {
        foreach ((OrderedIndexView<Value> view, KeyValuePair<byte[], Value>[] expected) in _snapshots)
        {
            view.CheckInvariants();
            Assert.Equal(expected.Length, view.Count);
            AssertSame(expected, view.Scan());
        }
    }

    public KeyValuePair<byte[], Value>[] Range(byte[] from, byte[] toExclusive) =>
        [.. _model.Where(entry => Bytewise.Compare(entry.Key, from) >= 0
            && (toExclusive.Length == 0 || Bytewise.Compare(entry.Key, toExclusive) < 0))];

    public static void AssertSame(
        IEnumerable<KeyValuePair<byte[], Value>> expected, IEnumerable<KeyValuePair<byte[], Value>> actual)
    {
        using IEnumerator<KeyValuePair<byte[], Value>> other = actual.GetEnumerator();
        foreach ((byte[] key, Value value) in expected)
        {
            Assert.True(other.MoveNext(), "an entry is missing");
            Assert.Equal(key, other.Current.Key);
            Assert.Same(value, other.Current.Value);
        }
        Assert.False(other.MoveNext(), "there is an entry too many");
    }

    private void Set(byte[] key)
    {
        _model.TryGetValue(key, out Value? replaced);
        var value = new Value(_valuesMade++);
        _model[key] = value;
        Assert.Same(replaced, _index.Set(key, value));
        Assert.True(_index.TryGet(key, out Value? found));
        Assert.Same(value, found);
        Assert.Equal(_model.Count, _index.Count);
    }

    private void Remove(byte[] key)
    {
        _model.Remove(key, out Value? removed);
        Assert.Same(removed, _index.Remove(key));
        Assert.False(_index.TryGet(key, out _));
        Assert.Equal(_model.Count, _index.Count);
    }

    private List<byte[]> KeysOf(Operation.RemoveRange range)
    {
        var keys = new List<byte[]>();
        int at = 0;
        foreach ((byte[] key, _) in Range(range.From, range.ToExclusive))
        {
            if (at++ % range.Stride == 0) { keys.Add(key); }
        }
        return keys;
    }

    private static Gen<byte[]> GenKeys()
    {
        Gen<byte[]> tails = Gen.OneOfConst((byte)0x00, (byte)0x01, (byte)'a', (byte)0xFF).Array[0, 4];
        Gen<byte[]> stems = Gen.OneOfConst<byte[]>(
            [], "/keys/a"u8.ToArray(), "/keys/ab"u8.ToArray(), "/keys/abc"u8.ToArray(),
            [0, 0, 0, 0, 0, 0, 0, 0], [255, 255, 255, 255, 255, 255, 255, 255]);
        return Gen.Select(stems, tails, (stem, tail) => (byte[])[.. stem, .. tail]);
    }
}
