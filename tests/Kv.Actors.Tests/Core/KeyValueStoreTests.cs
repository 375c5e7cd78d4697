using System.Text;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Tests.Core;

public sealed class KeyValueStoreTests
{
    private readonly KeyValueStore _store = new();
    private long _offset;

    public KeyValueStoreTests()
    {
        Apply(Entries.Genesis());
        Producer = _offset;
        Apply(Entries.Register());
    }

    private long Producer { get; }

    [Fact]
    public void Set_then_get_gives_the_value_and_the_next_orders()
    {
        AppliedEntry applied = Apply(Entries.Encode(Producer, 1, Entries.Set("a", "1"), Entries.Get("a")));

        Assert.Equal(1, applied.Replies[0].Order);
        var got = Assert.IsType<Reply.Got>(applied.Replies[1]);
        Assert.Equal(2, got.Order);
        Assert.Equal("1", Encoding.UTF8.GetString(got.Value!.Value.Span));
    }

    [Fact]
    public void Each_mutation_takes_one_revision_and_reads_take_none()
    {
        AppliedEntry applied = Apply(Entries.Encode(
            Producer,
            1,
            Entries.Set("a", "1"),
            Entries.Get("a"),
            Entries.Set("a", "2"),
            Entries.Del("a"),
            new Command.Print()));

        Assert.Equal([2, 2, 3, 4, 4], applied.Replies.Select(static reply => reply.Revision));
    }

    [Fact]
    public void Deleting_a_missing_key_takes_an_order_and_no_revision()
    {
        AppliedEntry applied = Apply(Entries.Encode(Producer, 1, Entries.Del("nope")));

        Assert.Equal(new Reply.Removed(0) { Order = 1, Revision = 1 }, applied.Replies[0]);
    }

    [Fact]
    public void A_barrier_takes_an_offset_but_neither_order_nor_revision()
    {
        AppliedEntry applied = Apply(Entries.Encode(Producer, 1, new Command.Barrier()));

        Assert.Equal(new Reply.Done { Order = 0, Revision = 1 }, applied.Replies[0]);
    }

    [Fact]
    public void Print_shows_the_keys_of_its_own_place_in_the_log()
    {
        AppliedEntry applied = Apply(Entries.Encode(
            Producer, 1, Entries.Set("a", "1"), new Command.Print(), Entries.Set("b", "2")));

        IKeyValueView view = Assert.IsType<Reply.Printed>(applied.Replies[1]).View!;
        Assert.Equal(["a"], Keys(view));
    }

    [Fact]
    public void Nodes_that_were_not_asked_get_replies_without_values()
    {
        byte[] entry = Entries.Encode(
            Producer, 1, Entries.Set("a", "1"), Entries.Get("a"), new Command.Print());

        AppliedEntry applied = _store.Apply(_offset, entry, answering: LogEntry.NoProducer);

        Assert.Null(Assert.IsType<Reply.Got>(applied.Replies[1]).Value);
        Assert.Null(Assert.IsType<Reply.Printed>(applied.Replies[2]).View);
    }

    [Fact]
    public void An_empty_key_is_refused_and_takes_nothing()
    {
        AppliedEntry applied = Apply(Entries.Encode(
            Producer, 1, Entries.Set("", "1"), Entries.Get(""), Entries.Del("")));

        Assert.All(applied.Replies, static reply => Assert.Equal(
            new Reply.Refused(StoreError.KeyEmpty) { Order = 0, Revision = 1 }, reply));
    }

    [Fact]
    public void A_command_larger_than_the_genesis_allows_is_refused()
    {
        byte[] value = new byte[Kv.Core.KvLimits.RequestBytesMax];

        AppliedEntry applied = Apply(Entries.Encode(Producer, 1, new Command.Set(Entries.Utf8("a"), value)));

        Assert.Equal(StoreError.RequestTooLarge, Assert.IsType<Reply.Refused>(applied.Replies[0]).Error);
    }

    [Fact]
    public void A_repeated_entry_is_applied_once()
    {
        byte[] entry = Entries.Encode(Producer, 1, Entries.Set("a", "1"));
        Apply(entry);

        AppliedEntry again = Apply(entry);

        Assert.Equal(EntryFate.Duplicate, again.Fate);
        Assert.Equal(2, _store.Revision);
    }

    [Fact]
    public void An_entry_behind_a_gap_is_ignored_until_the_gap_is_filled()
    {
        byte[] first = Entries.Encode(Producer, 1, Entries.Set("a", "1"));
        byte[] second = Entries.Encode(Producer, 2, Entries.Set("a", "2"));

        EntryFate[] fates = [Apply(second).Fate, Apply(first).Fate, Apply(second).Fate];

        Assert.Equal([EntryFate.Gap, EntryFate.Applied, EntryFate.Applied], fates);
        Assert.Equal("2", Value("a"));
    }

    [Fact]
    public void An_unregistered_or_closed_producer_is_ignored()
    {
        AppliedEntry unregistered = Apply(Entries.Encode(4711, 1, Entries.Set("a", "1")));
        Apply(Entries.Encode(Producer, 1, new Command.Close(Producer)));

        AppliedEntry closed = Apply(Entries.Encode(Producer, 2, Entries.Set("a", "1")));

        Assert.Equal(EntryFate.UnknownProducer, unregistered.Fate);
        Assert.Equal(EntryFate.UnknownProducer, closed.Fate);
        Assert.Equal(0, _store.Count);
    }

    [Fact]
    public void Over_the_bound_the_producer_silent_for_longest_is_forgotten()
    {
        for (int i = 0; i < Kv.Core.KvLimits.ProducersMax; i++)
        {
            Apply(Entries.Register(nonce: (ulong)i + 2));
        }

        AppliedEntry forgotten = Apply(Entries.Encode(Producer, 1, Entries.Set("a", "1")));

        Assert.Equal(EntryFate.UnknownProducer, forgotten.Fate);
        Assert.Equal(Kv.Core.KvLimits.ProducersMax, _store.Producers.Count);
    }

    [Fact]
    public void Strays_are_counted_hashed_into_the_chain_and_otherwise_ignored()
    {
        Digest before = _store.Chain;

        AppliedEntry message = Apply("{}"u8.ToArray());
        AppliedEntry foreign = Apply(Entries.Encode(0xBAD, Producer, 1, Entries.Set("a", "1")));

        Assert.Equal([EntryFate.Stray, EntryFate.Stray], new[] { message.Fate, foreign.Fate });
        Assert.Equal(2, _store.Strays);
        Assert.NotEqual(before, _store.Chain);
    }

    [Fact]
    public void Of_two_geneses_the_first_counts()
    {
        AppliedEntry late = Apply(Entries.Genesis(clusterId: 0xBAD));

        Assert.Equal(EntryFate.LateGenesis, late.Fate);
        Assert.Equal(Entries.ClusterId, _store.Genesis!.ClusterId);
    }

    [Fact]
    public void A_damaged_entry_halts_and_changes_nothing()
    {
        byte[] entry = Entries.Encode(Producer, 1, Entries.Set("a", "1"));
        entry[^20] ^= 1;
        (long offset, Digest chain) = (_store.AppliedOffset, _store.Chain);

        AppliedEntry applied = Apply(entry);

        Assert.Equal(EntryFate.Halt, applied.Fate);
        Assert.Equal((offset, chain), (_store.AppliedOffset, _store.Chain));
    }

    [Fact]
    public void A_log_that_does_not_begin_with_a_genesis_halts()
    {
        var store = new KeyValueStore();

        AppliedEntry applied = store.Apply(5, Entries.Register());

        Assert.Equal(EntryFate.Halt, applied.Fate);
        Assert.Contains("truncated", applied.Why);
    }

    [Fact]
    public void A_producer_that_has_seen_another_history_halts_the_store()
    {
        LogEntry entry = Entries.Entry(Entries.ClusterId, Producer, 1, Entries.Set("a", "1")) with
        {
            BasisOffset = _store.AppliedOffset,
            BasisChain = new Digest(1, 2),
        };

        AppliedEntry applied = Apply(EntryCodec.Encode(entry));

        Assert.Equal(EntryFate.Halt, applied.Fate);
        Assert.Contains("rewritten", applied.Why);
    }

    [Fact]
    public void A_basis_at_or_beyond_the_entry_itself_halts_the_store()
    {
        LogEntry entry = Entries.Entry(Entries.ClusterId, Producer, 1, Entries.Set("a", "1")) with
        {
            BasisOffset = _offset,
        };

        AppliedEntry applied = Apply(EntryCodec.Encode(entry));

        Assert.Equal(EntryFate.Halt, applied.Fate);
    }

    [Fact]
    public void A_probe_changes_nothing_but_its_basis_is_compared()
    {
        LogEntry probe = Entries.Entry(Entries.ClusterId, LogEntry.NoProducer, 0, new Command.Barrier());
        LogEntry contradicting = probe with { BasisOffset = 0, BasisChain = new Digest(1, 2) };

        EntryFate[] fates =
        [
            Apply(EntryCodec.Encode(probe)).Fate,
            Apply(EntryCodec.Encode(contradicting)).Fate,
        ];

        Assert.Equal([EntryFate.Applied, EntryFate.Halt], fates);
        Assert.Equal((1, 0), (_store.Revision, _store.Order));
    }

    [Fact]
    public void A_true_basis_is_accepted()
    {
        LogEntry entry = Entries.Entry(Entries.ClusterId, Producer, 1, Entries.Set("a", "1")) with
        {
            BasisOffset = _store.AppliedOffset,
            BasisChain = _store.Chain,
        };

        Assert.Equal(EntryFate.Applied, Apply(EntryCodec.Encode(entry)).Fate);
    }

    [Fact]
    public void An_offset_that_does_not_grow_is_the_callers_mistake() =>
        Assert.Throws<ArgumentOutOfRangeException>(
            () => _store.Apply(_store.AppliedOffset, Entries.Register()));

    [Fact]
    public void The_store_keeps_no_reference_to_an_entrys_bytes()
    {
        byte[] entry = Entries.Encode(Producer, 1, Entries.Set("a", "1"));
        Apply(entry);

        Array.Clear(entry);

        Assert.Equal("1", Value("a"));
    }

    [Fact]
    public void The_same_entries_give_the_digest_recorded_with_this_version()
    {
        for (int i = 1; i <= 100; i++)
        {
            Apply(Entries.Encode(Producer, i, Entries.Set($"k{i % 7}", $"{i}"), Entries.Del($"k{i % 3}")));
        }

        Assert.Equal(RecordedDigest, _store.Chain.ToString());
    }

    private const string RecordedDigest = "334522329d92374d2aff479b935c64d2";

    private AppliedEntry Apply(byte[] entry) => _store.Apply(_offset++, entry, Producer);

    private string Value(string key) => Encoding.UTF8.GetString(_store.Get(Entries.Utf8(key))!.Value.Span);

    private static IEnumerable<string> Keys(IKeyValueView view) =>
        view.Scan(default, default).Select(static pair => Encoding.UTF8.GetString(pair.Key.Span));
}
