using Kv.Core;
using Kv.Core.Entries;
using Kv.Core.Watch;
using Entries = Kv.Actors.Tests.Core.Entries;

namespace Kv.Actors.Tests.Watch;

/// <summary>One stream against a hub, step by step.</summary>
public sealed class WatchOutboxTests
{
    private readonly WatchModel _model = new();
    private readonly WatchModel.Stream _stream;

    public WatchOutboxTests() => _stream = _model.Open();

    [Fact]
    public void A_client_that_does_not_read_is_held_in_bounded_memory_and_gets_everything_later()
    {
        Watch(1, "a");
        for (int i = 0; i < 40; i++)
        {
            _model.Apply(Put("a", 200_000));
        }
        long queued = _stream.Feed.QueuedBytes;
        Settle();

        Assert.InRange(queued, 1, KvLimits.WatcherBytesQueuedMax);
        Assert.Equal(40, _stream.Replies.Sum(static reply => reply.Events.Count));
        Assert.Equal(0, _stream.Feed.QueuedBytes);
    }

    [Fact]
    public void A_watch_that_much_happens_to_does_not_hold_back_the_others_of_its_stream()
    {
        Watch(1, "a");
        Watch(2, "b");
        for (int i = 0; i < 40; i++)
        {
            _model.Apply(Put("a", 200_000));
        }
        _model.Apply(Put("b", 10));
        _stream.Replies.Clear();
        Settle();

        int at = _stream.Replies.FindIndex(static reply => reply.Id == 2);
        Assert.InRange(at, 0, 1);
    }

    [Fact]
    public void A_watch_that_fell_behind_is_cancelled_when_what_it_needs_was_compacted()
    {
        Watch(1, "a");
        for (int i = 0; i < 40; i++)
        {
            _model.Apply(Put("a", 200_000));
        }
        _model.Apply(new Command.Compact(_model.Revision));
        Settle();

        WatchReply last = _stream.Replies[^1];
        Assert.Equal((WatchReplyKind.Compacted, _model.Revision), (last.Kind, last.CompactedRevision));
    }

    [Fact]
    public void Written_and_compacted_in_one_entry_is_told_to_who_watches_already()
    {
        Watch(1, "a");

        _model.Apply(Put("a", 1), Put("a", 1), new Command.Compact(_model.Revision + 2));
        _model.Apply(Put("a", 1));
        Settle();

        Assert.Equal(3, _stream.Replies.Sum(static reply => reply.Events.Count));
    }

    [Fact]
    public void What_waits_for_one_watch_goes_into_one_reply()
    {
        Watch(1, "a");
        _model.Apply(Put("a", 1));
        _model.Apply(Put("a", 1));
        Settle();

        Assert.Equal(
            [0, 2], _stream.Replies.Select(static reply => reply.Events.Count));
    }

    [Fact]
    public void Progress_is_told_only_when_what_was_before_it_is_sent()
    {
        Watch(1, "a");
        _model.Apply(Put("a", 1));
        _stream.Ask(new WatchDemand.Progress());
        _stream.TakeNews();
        _stream.TakeNews();
        _model.TakeOrder();
        _stream.TakeNews();

        Assert.True(_stream.Send());
        Assert.Equal(WatchReplyKind.Events, _stream.Replies[^1].Kind);
        Assert.True(_stream.Send());
        Assert.Equal((WatchReplyKind.Progress, -1, _model.Revision), Last());
    }

    [Fact]
    public void Periodic_progress_leaves_out_who_had_events_since()
    {
        _stream.Ask(new WatchDemand.Create(1, Keys("a"), NotifiesProgress: true));
        _stream.Ask(new WatchDemand.Create(2, Keys("b"), NotifiesProgress: true));
        _stream.Ask(new WatchDemand.Create(3, Keys("c")));
        Settle();
        _model.Apply(Put("a", 1));
        Settle();
        _stream.Replies.Clear();

        _stream.Tick();
        Settle();

        Assert.Equal([2L], _stream.Replies.Select(static reply => reply.Id));
        _stream.Tick();
        Settle();
        Assert.Equal([2L, 1L, 2L], _stream.Replies.Select(static reply => reply.Id));
    }

    [Fact]
    public void An_id_may_be_taken_again_at_once_after_it_was_cancelled()
    {
        Watch(1, "a");
        _stream.Ask(new WatchDemand.Cancel(1));
        _stream.Ask(new WatchDemand.Create(1, Keys("b")));
        Settle();
        _model.Apply(Put("a", 1), Put("b", 1));
        Settle();

        Assert.Equal(
            [WatchReplyKind.Created, WatchReplyKind.Cancelled, WatchReplyKind.Created, WatchReplyKind.Events],
            _stream.Replies.Select(static reply => reply.Kind));
        Assert.Equal("b"u8.ToArray(), _stream.Replies[^1].Events.Single().Record.Key);
    }

    private void Watch(long id, string key)
    {
        _stream.Ask(new WatchDemand.Create(id, Keys(key)));
        Settle();
    }

    private void Settle()
    {
        do
        {
            _model.TakeOrder();
            _stream.TakeNews(int.MaxValue);
        }
        while (_stream.Send() || _model.HasOrders || !_stream.IsIdle);
    }

    private (WatchReplyKind, long, long) Last()
    {
        WatchReply last = _stream.Replies[^1];
        return (last.Kind, last.Id, last.Revision);
    }

    private static WatchedKeys Keys(string key) => WatchedKeys.Of(Entries.Utf8(key), default);

    private static Command.Put Put(string key, int valueBytes) =>
        new(Entries.Utf8(key), new byte[valueBytes]);
}
