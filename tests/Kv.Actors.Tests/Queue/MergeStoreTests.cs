using System.Text;
using Kv.Core.Merge;

namespace Kv.Actors.Tests.Queue;

public sealed class MergeStoreTests
{
    private static readonly byte[] Key = "k"u8.ToArray();

    [Theory]
    [InlineData(WriteOrder.Merge, true)]
    [InlineData(WriteOrder.Arrival, false)]
    public void Two_writes_that_arrive_in_different_order_agree_by_merging_and_not_by_arrival(
        WriteOrder order, bool agree)
    {
        MergeStore a = NewStore("a", order);
        MergeStore b = NewStore("b", order);
        QueueMessage one = Set("x", time: 5, "1");
        QueueMessage two = Set("y", time: 5, "2");

        a.Apply(one);
        a.Apply(two);
        b.Apply(two);
        b.Apply(one);

        Assert.Equal(agree, a.Digests.ToDigest() == b.Digests.ToDigest());
        Assert.Equal(agree ? "2" : "1", Text(b.Get(Key)));
    }

    [Fact]
    public void A_duplicate_takes_no_order()
    {
        MergeStore store = NewStore("a");

        ApplyResult first = store.Apply(Set("x", time: 5, "1"));
        ApplyResult again = store.Apply(Set("x", time: 5, "1"));

        Assert.Equal((ApplyOutcome.Applied, 1L), (first.Outcome, first.Order));
        Assert.Equal((ApplyOutcome.Duplicate, 0L), (again.Outcome, again.Order));
    }

    [Fact]
    public void A_delete_is_counted_once_and_an_older_set_does_not_undo_it()
    {
        MergeStore store = NewStore("a");
        store.Apply(Set("x", time: 5, "1"));

        ApplyResult deleted = store.Apply(Del("y", time: 7));
        store.Apply(Set("z", time: 6, "2"));

        Assert.Equal((1L, null), (deleted.Deleted, store.Get(Key)));
    }

    [Fact]
    public void A_returning_node_with_old_state_does_not_bring_a_deleted_key_back()
    {
        MergeStore stays = NewStore("stays");
        MergeStore away = NewStore("away");
        stays.Apply(Set("x", time: 5, "1"));
        away.Apply(Set("x", time: 5, "1"));
        stays.Apply(Del("x", time: 8, sequence: 2));
        stays.RaiseFloor(8);
        stays.SweepTombstones(100);

        Pull(stays, from: away);
        Pull(away, from: stays);

        Assert.Equal(0, stays.TombstoneCount);
        Assert.Equal((0, 0), (stays.Count, away.Count));
    }

    [Fact]
    public void A_message_older_than_the_floor_is_discarded_where_its_key_is_gone()
    {
        MergeStore store = NewStore("a");
        store.Apply(Del("x", time: 8));
        store.RaiseFloor(8);
        store.SweepTombstones(100);

        ApplyResult late = store.Apply(Set("y", time: 5, "1"));

        Assert.Equal((ApplyOutcome.Stale, 0), (late.Outcome, store.Count));
    }

    [Fact]
    public void A_node_that_began_alone_does_not_erase_what_a_returning_node_has_from_before()
    {
        MergeStore returns = NewStore("returns");
        returns.Apply(Set("x", time: 5, "1"));
        MergeStore empty = NewStore("empty", time: 1_000);
        empty.Apply(Set("y", time: 1_500, "2", key: "other"));
        empty.RaiseFloor(1_500);

        Pull(returns, from: empty);
        Pull(empty, from: returns);

        Assert.Equal(("1", "1"), (Text(returns.Get(Key)), Text(empty.Get(Key))));
    }

    [Fact]
    public void A_plain_message_is_stamped_by_the_receiver_and_is_newer_than_what_it_has_seen()
    {
        MergeStore store = NewStore("a");
        store.Apply(Set("x", time: 500, "1"));

        store.Apply(Plain("u", "2"));

        Assert.Equal(("2", 501L), (Text(store.Get(Key)), store.Find(Key)!.Stamp.Time));
    }

    [Fact]
    public void A_redelivered_plain_message_is_recognised_by_a_node_that_started_since()
    {
        MergeStore old = NewStore("old");
        old.Apply(Plain("u", "1"));
        old.Apply(Set("x", time: 900, "2"));
        MergeStore fresh = new("fresh", 1, WriteOrder.Merge, time: 5_000);

        Pull(fresh, from: old);
        ApplyResult again = fresh.Apply(Plain("u", "1"));

        Assert.Equal((ApplyOutcome.Duplicate, "2"), (again.Outcome, Text(fresh.Get(Key))));
    }

    [Fact]
    public void One_plain_message_stamped_by_two_nodes_is_one_event_with_the_larger_stamp()
    {
        MergeStore slow = NewStore("slow", time: 10);
        MergeStore fast = NewStore("fast", time: 20);
        slow.Apply(Plain("u", "1"));
        fast.Apply(Plain("u", "1"));

        Pull(slow, from: fast);
        Pull(fast, from: slow);

        Assert.Equal((21L, 21L), (slow.Find(Key)!.Stamp.Time, fast.Find(Key)!.Stamp.Time));
    }

    [Fact]
    public void A_gap_is_known_until_a_peer_that_has_no_gap_was_merged()
    {
        MergeStore gap = NewStore("gap");
        MergeStore whole = NewStore("whole");
        whole.Apply(Set("x", time: 5, "1", sequence: 1));
        whole.Apply(Set("x", time: 6, "2", sequence: 2, key: "other"));
        gap.Apply(Set("x", time: 6, "2", sequence: 2, key: "other"));
        long missingBefore = gap.MissingMessages;

        Pull(gap, from: whole);

        Assert.Equal((1L, 0L, "1"), (missingBefore, gap.MissingMessages, Text(gap.Get(Key))));
    }

    [Fact]
    public void Tombstones_are_bounded_even_when_no_floor_rises()
    {
        MergeStore store = NewStore("a");

        for (int i = 0; i < MergeLimits.TombstonesForcedMax + 1_000; i++)
        {
            store.Apply(Del("x", time: i + 1, sequence: i + 1, key: $"{i}"));
        }

        Assert.Equal(MergeLimits.TombstonesForcedMax, store.TombstoneCount);
    }

    [Fact]
    public void Sequence_ranges_stay_bounded_by_closing_the_first_gap()
    {
        var ranges = new SequenceRanges();

        for (int i = 1; i <= 1_000; i++) { ranges.Add(2 * i); }

        Assert.Equal(MergeLimits.SequenceRangesMax, ranges.Ranges.Count);
        Assert.Equal((1L, 2_000L), (ranges.Ranges[0].From, ranges.Highest));
    }

    [Theory]
    [InlineData("""{"a": [1, 2.500, 1e3, true, null, "\u00e9\n"]}""")]
    [InlineData("\"ключ\"")]
    [InlineData("null")]
    [InlineData("12345678901234567890.10")]
    public void A_value_travels_byte_for_byte(string value)
    {
        QueueMessage sent = Set("x", time: 1, value, key: "ключ \"/ <");

        byte[] body = QueueMessageCodec.Encode(sent);
        bool isRead = QueueMessageCodec.TryDecode(body, out QueueMessage? read, out _);

        Assert.True(isRead);
        Assert.Equal((value, "ключ \"/ <", "x", sent.Uuid),
            (Text(read!.Value), Text(read.Key), read.SenderId, read.Uuid));
    }

    private static MergeStore NewStore(string id, WriteOrder order = WriteOrder.Merge, long time = 0)
    {
        var store = new MergeStore(id, 1, order, time);
        store.Begin();
        return store;
    }

    private static void Pull(MergeStore store, MergeStore from)
    {
        StateExport export = from.Export(from.Time);
        StateImport import = store.Import(export.Header, isFirst: store.Order == 0);
        foreach (int leaf in export.LeavesDifferingFrom(store.Digests.CopyLeaves()))
        {
            foreach (VersionedValue version in export.InLeaf(leaf)) { import.Merge(version); }
            import.CompleteLeaf(leaf);
        }
        import.Complete();
    }

    private static QueueMessage Set(
        string node, long time, string value, long sequence = 1, string key = "k") => new(
            QueueCommand.Set, Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(value), node,
            $"{node}-{sequence}", new MessageOrigin(time, node, 1, sequence));

    private static QueueMessage Del(string node, long time, long sequence = 1, string key = "k") => new(
        QueueCommand.Del, Encoding.UTF8.GetBytes(key), [], node, $"{node}-{sequence}",
        new MessageOrigin(time, node, 1, sequence));

    private static QueueMessage Plain(string uuid, string value) =>
        new(QueueCommand.Set, Key, Encoding.UTF8.GetBytes(value), "python", uuid, Origin: null);

    private static string? Text(byte[]? bytes) => bytes is null ? null : Encoding.UTF8.GetString(bytes);
}
