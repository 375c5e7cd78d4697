using System.Buffers.Binary;
using System.Text;
using CsCheck;
using Kv.Core.Store;
using static Kv.Actors.Tests.Core.OrderedIndexModel;

namespace Kv.Actors.Tests.Core;

public sealed class OrderedIndexTests
{
    private const int HistoryCount = 60;

    [Fact]
    public void Any_history_of_writes_leaves_what_a_sorted_dictionary_has() =>
        Histories.Sample(history => Of(history).CheckContents(), iter: HistoryCount);

    [Fact]
    public void A_snapshot_stays_as_it_was_whatever_is_written_after_it() =>
        Histories.Sample(history => Of(history).CheckSnapshots(), iter: HistoryCount);

    [Fact]
    public void A_range_has_the_entries_from_its_start_to_before_its_end_in_both_orders() =>
        Gen.Select(Histories, Keys, Keys).Sample(
            (history, from, to) =>
            {
                OrderedIndexModel model = Of(history);
                OrderedIndexView<Value> view = model.Index.Snapshot();

                KeyValuePair<byte[], Value>[] expected = model.Range(from, to);

                AssertSame(expected, model.Index.Scan(from, to));
                AssertSame(expected, view.Scan(from, to));
                AssertSame(expected.Reverse(), model.Index.ScanDescending(from, to));
                AssertSame(expected.Reverse(), view.ScanDescending(from, to));
                Assert.Equal(expected.Length, model.Index.CountRange(from, to));
                Assert.Equal(expected.Length, view.CountRange(from, to));
            },
            iter: HistoryCount);

    [Fact]
    public void A_key_that_was_never_set_is_absent() =>
        Gen.Select(Histories, Keys).Sample(
            (history, key) =>
            {
                OrderedIndexModel model = Of(history);
                // A run's keys end in two bytes of any value, and no other key has this one.
                byte[] absent = [.. key, 0x7F, 0x7F, 0x7F];

                Assert.False(model.Index.TryGet(absent, out _));
                Assert.False(model.Index.Snapshot().TryGet(absent, out _));
                Assert.Null(model.Index.Remove(absent));
            },
            iter: HistoryCount);

    [Fact]
    public void Keys_that_differ_only_in_trailing_zero_bytes_are_different_keys_in_order_of_length()
    {
        string[] ascending = ["", "\0", "\0\0", "a", "a\0", "a\0\0\0\0\0\0\0", "a\0\0\0\0\0\0\0\0", "b"];
        var index = new OrderedIndex<string>();

        foreach (string key in ascending.Reverse())
        {
            index.Set(Encoding.ASCII.GetBytes(key), key);
        }

        Assert.Equal(ascending, index.Scan().Select(entry => entry.Value));
        Assert.Equal(["a\0", "a\0\0\0\0\0\0\0"],
            index.Scan("a\0"u8.ToArray(), "a\0\0\0\0\0\0\0\0"u8.ToArray()).Select(entry => entry.Value));
    }

    [Fact]
    public void Bytes_are_compared_unsigned()
    {
        var index = new OrderedIndex<string>();

        index.Set([0x80], "high");
        index.Set([0x7F], "low");

        Assert.Equal(["low", "high"], index.Scan().Select(entry => entry.Value));
    }

    [Fact]
    public void A_replaced_value_is_returned_and_the_first_key_array_is_kept()
    {
        var index = new OrderedIndex<string>();
        byte[] first = [1];
        index.Set(first, "old");

        string? replaced = index.Set([1], "new");

        Assert.Equal("old", replaced);
        Assert.Same(first, Assert.Single(index.Scan()).Key);
    }

    [Fact]
    public void A_null_or_empty_upper_bound_is_no_bound()
    {
        OrderedIndex<string> index = Ascending(500);
        byte[] from = KeyOf(100);

        Assert.Equal(400, index.Scan(from).Count());
        Assert.Equal(400, index.Scan(from, null).Count());
        Assert.Equal(400, index.ScanDescending(from, ReadOnlyMemory<byte>.Empty).Count());
        Assert.Equal(400, index.CountRange(from, []));
    }

    [Fact]
    public void A_range_that_ends_before_it_starts_is_empty()
    {
        OrderedIndex<string> index = Ascending(500);

        Assert.Empty(index.Scan(KeyOf(400), KeyOf(100)));
        Assert.Empty(index.ScanDescending(KeyOf(400), KeyOf(100)));
        Assert.Equal(0, index.CountRange(KeyOf(400), KeyOf(100)));
    }

    [Fact]
    public void A_range_that_was_never_given_is_empty() => Assert.Empty(default(OrderedRange<string>));

    [Fact]
    public void Ascending_inserts_leave_every_leaf_full_but_the_last()
    {
        OrderedIndex<string> index = Ascending(100_000);

        index.CheckInvariants();
        Assert.All(Leaves(index.Root).SkipLast(1), leaf => Assert.Equal(IndexNode.Capacity, leaf.Count));
    }

    [Fact]
    public void An_index_emptied_in_any_order_is_a_single_empty_leaf() =>
        Gen.Shuffle(Enumerable.Range(0, 20_000).ToArray()).Sample(
            order =>
            {
                OrderedIndex<string> index = Ascending(order.Length);

                foreach (int number in order)
                {
                    Assert.NotNull(index.Remove(KeyOf(number)));
                    if (index.Count % 500 == 0) { index.CheckInvariants(); }
                }

                Assert.Equal(0, index.Count);
                Assert.Equal(0, index.Root.Level);
            },
            iter: 5);

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    [InlineData(7)]
    public void Removals_that_merge_nodes_leave_those_of_a_snapshot_alone(int step)
    {
        const int Keys = 10_000;
        OrderedIndex<string> index = Ascending(Keys);
        OrderedIndexView<string> view = index.Snapshot();

        for (int at = 0; at < Keys; at++)
        {
            int number = ((at * step) + Keys) % Keys;
            Assert.NotNull(index.Remove(KeyOf(number)));
        }

        view.CheckInvariants();
        IEnumerable<string> expected = Enumerable.Range(0, Keys).Select(number => $"{number}");
        Assert.Equal(expected, view.Scan().Select(entry => entry.Value));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData((64 * 64) + 1)]
    [InlineData((65 * 64) + 1)]
    [InlineData((64 * 64 * 64) + 1)]
    public void A_bulk_build_has_full_leaves_and_can_be_written_at_once(int count)
    {
        KeyValuePair<byte[], string>[] entries = [.. Enumerable.Range(0, count).Select(EntryOf)];

        OrderedIndex<string> index = OrderedIndex<string>.FromSorted(entries);

        index.CheckInvariants();
        Assert.Equal(entries.Select(entry => entry.Value), index.Scan().Select(entry => entry.Value));
        Assert.All(Leaves(index.Root).SkipLast(1), leaf => Assert.Equal(IndexNode.Capacity, leaf.Count));
        Assert.Null(index.Set(KeyOf(count), "appended"));
        Assert.Equal(count == 0 ? "appended" : "0", index.Remove(KeyOf(0)));
        Assert.Equal(count, index.Count);
        index.CheckInvariants();
    }

    [Fact]
    public void A_bulk_build_of_keys_that_do_not_increase_is_refused()
    {
        KeyValuePair<byte[], string>[] twice = [EntryOf(1), EntryOf(1)];
        KeyValuePair<byte[], string>[] falling = [EntryOf(2), EntryOf(1)];

        Assert.Throws<ArgumentException>(() => OrderedIndex<string>.FromSorted(twice));
        Assert.Throws<ArgumentException>(() => OrderedIndex<string>.FromSorted(falling));
    }

    [Fact]
    public void A_scan_of_the_live_index_fails_after_a_write_and_one_of_a_snapshot_goes_on()
    {
        OrderedIndex<string> index = Ascending(200);
        using OrderedRange<string>.Enumerator ofSnapshot = index.Snapshot().Scan().GetEnumerator();
        using OrderedRange<string>.Enumerator ofLive = index.Scan().GetEnumerator();
        ofLive.MoveNext();

        index.Remove(KeyOf(1));

        Assert.Throws<InvalidOperationException>(() => ofLive.MoveNext());
        Assert.True(ofSnapshot.MoveNext());
    }

    [Fact]
    public async Task Snapshots_read_on_other_threads_stay_as_they_were_while_the_owner_writes()
    {
        const int Keys = 3_000;
        var index = new OrderedIndex<Value>();
        var readers = new List<Task>();

        for (int round = 0; round < 40; round++)
        {
            for (int number = round % 3; number < Keys; number += 3)
            {
                if ((number + round) % 5 == 0) { index.Remove(KeyOf(number)); }
                else { index.Set(KeyOf(number), new Value(round)); }
            }
            OrderedIndexView<Value> view = index.Snapshot();
            KeyValuePair<byte[], Value>[] expected = [.. view.Scan()];
            readers.Add(Task.Run(() =>
            {
                for (int pass = 0; pass < 20; pass++)
                {
                    AssertSame(expected, view.Scan());
                }
            }));
        }

        await Task.WhenAll(readers);
        index.CheckInvariants();
    }

    [Fact]
    public void A_write_after_a_snapshot_copies_its_path_once()
    {
        OrderedIndex<string> index = Ascending(100_000);
        index.Snapshot();
        index.Set(KeyOf(500), "first");
        IndexNode copied = index.Root;

        index.Set(KeyOf(501), "second");

        Assert.Same(copied, index.Root);
    }

    private static OrderedIndex<string> Ascending(int count)
    {
        var index = new OrderedIndex<string>();
        for (int number = 0; number < count; number++)
        {
            index.Set(KeyOf(number), $"{number}");
        }
        return index;
    }

    private static KeyValuePair<byte[], string> EntryOf(int number) => new(KeyOf(number), $"{number}");

    private static byte[] KeyOf(int number)
    {
        byte[] key = [.. "/registry/"u8, 0, 0, 0, 0];
        BinaryPrimitives.WriteInt32BigEndian(key.AsSpan(^4..), number);
        return key;
    }

    private static IEnumerable<IndexNode> Leaves(IndexNode node) => node.Level == 0
        ? [node]
        : Enumerable.Range(0, node.Count).SelectMany(at => Leaves(node.Child(at)));
}
