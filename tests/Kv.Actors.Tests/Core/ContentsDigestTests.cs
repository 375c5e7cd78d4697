using Kv.Actors.Tests.Snapshots;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Tests.Core;

public sealed class ContentsDigestTests
{
    private const long Producer = 1;

    private readonly KeyValueStore _store = new();
    private long _offset = Producer;
    private long _sequence;

    public ContentsDigestTests()
    {
        _store.Apply(0, Entries.Genesis());
        _store.Apply(Producer, Entries.Register());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void It_equals_a_recomputation_after_random_commands(int seed)
    {
        var dice = new Random(seed);
        for (int i = 0; i < 400; i++)
        {
            Apply([.. Enumerable.Range(0, dice.Next(1, 4)).Select(_ => AnyCommand(dice))]);

            // A snapshot holds no such digest: a store computes it from the keys it loads.
            Assert.Equal(Stores.Decode(Stores.Encode(_store)).Contents, _store.Contents);
        }
    }

    [Fact]
    public void It_differs_for_another_value_order_revision_or_way_to_the_same_value()
    {
        Digest empty = _store.Contents;
        Apply(Entries.Set("a", "1"));
        Digest once = _store.Contents;
        Apply(Entries.Set("a", "1"));
        Digest twice = _store.Contents;
        Apply(Entries.Get("a"));
        Digest read = _store.Contents;
        Apply(Entries.Del("a"));

        Assert.Equal(5, new HashSet<Digest> { empty, once, twice, read, _store.Contents }.Count);
    }

    [Fact]
    public void Equal_chain_and_other_contents_are_told_apart_at_any_recent_offset()
    {
        Apply(Entries.Set("a", "1"));
        (long offset, Digest chain, Digest contents) = (_store.AppliedOffset, _store.Chain, _store.Contents);
        Apply(Entries.Set("a", "2"));

        Assert.Equal(HistoryVerdict.Agrees, _store.Compare(offset, chain, contents));
        Assert.Equal(HistoryVerdict.OtherContents, _store.Compare(offset, chain, _store.Contents));
        Assert.Equal(HistoryVerdict.OtherHistory, _store.Compare(offset, _store.Chain, contents));
        Assert.Equal(HistoryVerdict.Ahead, _store.Compare(_offset + 1, chain, contents));
    }

    [Fact]
    public void A_restored_store_knows_its_contents_at_the_snapshots_offset_and_not_before()
    {
        Apply(Entries.Set("a", "1"));
        (long offset, Digest chain) = (_store.AppliedOffset, _store.Chain);
        Apply(Entries.Set("a", "2"));
        Digest wrong = Digest.Of("wrong"u8);

        KeyValueStore restored = Stores.Decode(Stores.Encode(_store));

        Assert.Equal(HistoryVerdict.Agrees, restored.Compare(offset, chain, wrong));
        Assert.Equal(
            HistoryVerdict.OtherContents, restored.Compare(_store.AppliedOffset, _store.Chain, wrong));
    }

    private void Apply(params Command[] commands) =>
        _store.Apply(++_offset, Entries.Encode(Producer, ++_sequence, commands));

    private static Command AnyCommand(Random dice)
    {
        string key = $"key-{dice.Next(20)}";
        return dice.Next(4) switch
        {
            0 => Entries.Del(key),
            1 => Entries.Get(key),
            _ => Entries.Set(key, $"{dice.Next(1_000)}"),
        };
    }
}
