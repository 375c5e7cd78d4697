using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using Kv.Actors.Log;
using Kv.Actors.Nodes;
using Kv.Actors.Publishing;
using Kv.Actors.Store;
using Kv.Core.Entries;
using Kv.Core.Store;
using Entries = Kv.Actors.Tests.Core.Entries;

namespace Kv.Actors.Tests.Store;

/// <summary>The store actor, fed by hand.</summary>
public sealed class StoreActorTests : TestKit
{
    private readonly TestProbe _feed;
    private readonly TestProbe _publisher;
    private readonly List<ulong> _clusters = [];
    private StoreActor.ResumePoint _point = new(0, 0, Digest.Zero);

    public StoreActorTests()
    {
        _feed = CreateTestProbe();
        _publisher = CreateTestProbe();
    }

    [Fact]
    public async Task Every_run_of_entries_is_acknowledged_after_it_was_applied()
    {
        IActorRef store = await StartAsync();

        Deliver(store, (0, Entries.Genesis()), (1, Entries.Register()));

        await _feed.ExpectMsgAsync<StoreActor.FeedAck>();
        var status = await store.Ask<StoreActor.StoreStatus>(new StoreActor.GetStatus());
        Assert.Equal(1, status.AppliedOffset);
        Assert.Equal([Entries.ClusterId], _clusters);
    }

    [Fact]
    public async Task It_serves_nothing_before_its_own_registration_came_by()
    {
        IActorRef store = await StartAsync(nonce: 5);
        Deliver(store, (0, Entries.Genesis()), (1, Entries.Register(nonce: 4)));

        var early = await store.Ask<object>(new StoreActor.GetLocal(Entries.Utf8("a")));
        Deliver(store, (2, Entries.Register(nonce: 5)));
        var ready = await store.Ask<object>(new StoreActor.GetLocal(Entries.Utf8("a")));

        Assert.Equal(KvError.NotReady, Assert.IsType<StoreActor.NotServing>(early).Code);
        Assert.Null(Assert.IsType<Reply.Got>(ready).Value);
    }

    [Fact]
    public async Task The_first_of_two_registrations_gives_the_producer_id()
    {
        IActorRef store = await StartAsync(nonce: 5);

        Deliver(
            store, (0, Entries.Genesis()), (3, Entries.Register(nonce: 5)), (4, Entries.Register(nonce: 5)));

        await _publisher.ExpectMsgAsync<PublisherActor.Founded>();
        var registered = await _publisher.ExpectMsgAsync<PublisherActor.Registered>();
        Assert.Equal(3, registered.ProducerId);
        await _publisher.ExpectMsgAsync<PublisherActor.Applied>();
    }

    [Fact]
    public async Task The_publisher_learns_of_its_own_entries_with_values()
    {
        IActorRef store = await StartedAsync();

        Deliver(store, (2, Entries.Encode(1, 1, Entries.Set("a", "1"), Entries.Get("a"))));

        var back = await _publisher.FishForMessageAsync<PublisherActor.ReadBack>(static _ => true);
        Assert.Equal((1, EntryFate.Applied), (back.Sequence, back.Fate));
        Assert.Equal("1"u8.ToArray(), Assert.IsType<Reply.Got>(back.Replies[1]).Value!.Value.ToArray());
    }

    [Fact]
    public async Task After_a_reconnect_it_goes_on_where_it_was_and_applies_nothing_twice()
    {
        IActorRef store = await StartedAsync();
        byte[] last = Entries.Encode(1, 1, Entries.Set("a", "1"));
        Deliver(store, (2, last));
        await _feed.FishForMessageAsync<StoreActor.FeedAck>(static _ => true);

        StoreActor.ResumePoint point = await ResumeAsync(store);
        Deliver(store, (2, last), (3, Entries.Encode(1, 2, Entries.Set("a", "2"))));

        var status = await store.Ask<StoreActor.StoreStatus>(new StoreActor.GetStatus());
        Assert.Equal(2, point.Offset);
        Assert.Equal((NodeState.Ready, 3, 3), (status.State, status.AppliedOffset, status.Revision));
    }

    [Fact]
    public async Task Another_entry_at_the_resumed_offset_halts_the_node()
    {
        IActorRef store = await StartedAsync();
        Deliver(store, (2, Entries.Encode(1, 1, Entries.Set("a", "1"))));
        await ResumeAsync(store);

        Deliver(store, (2, Entries.Encode(1, 1, Entries.Set("a", "other"))));

        await _publisher.FishForMessageAsync<PublisherActor.Halted>(static _ => true);
        var read = await store.Ask<object>(new StoreActor.GetLocal(Entries.Utf8("a")));
        Assert.Equal(KvError.Halted, Assert.IsType<StoreActor.NotServing>(read).Code);
    }

    [Fact]
    public async Task A_run_that_was_read_before_a_reconnect_is_acknowledged_and_left_out()
    {
        IActorRef store = await StartedAsync();
        StoreActor.ResumePoint former = _point;
        StoreActor.ResumePoint present = await ResumeAsync(store);
        _point = former;

        Deliver(store, (2, Entries.Encode(1, 1, Entries.Set("a", "1"))));

        await _feed.ExpectMsgAsync<StoreActor.FeedAck>();
        _point = present;
        Deliver(store, (1, Entries.Register()), (2, Entries.Encode(1, 1, Entries.Set("a", "1"))));
        await _feed.ExpectMsgAsync<StoreActor.FeedAck>();
        var status = await store.Ask<StoreActor.StoreStatus>(new StoreActor.GetStatus());
        Assert.Equal((NodeState.Ready, 2, 2), (status.State, status.AppliedOffset, status.Revision));
    }

    [Fact]
    public async Task A_genesis_behind_a_truncated_start_founds_nothing()
    {
        IActorRef store = await StartAsync();

        // Another node's, once ignored for being the second.
        Deliver(store, (7, "a stray"u8.ToArray()), (8, Entries.Genesis()), (9, Entries.Register(nonce: 5)));

        await _publisher.ExpectMsgAsync<PublisherActor.LogBeganLate>();
        var halted = await _publisher.ExpectMsgAsync<PublisherActor.Halted>();
        Assert.Contains("its start was truncated", halted.Why);
        Assert.Empty(_clusters);
    }

    [Fact]
    public async Task A_genesis_behind_strays_founds_where_the_log_has_its_start()
    {
        IActorRef store = await StartAsync();

        Deliver(store, (0, "a stray"u8.ToArray()), (8, Entries.Genesis()));

        await _publisher.ExpectMsgAsync<PublisherActor.Founded>();
        Assert.Equal([Entries.ClusterId], _clusters);
    }

    [Fact]
    public async Task A_resumed_offset_that_is_gone_halts_the_node()
    {
        IActorRef store = await StartedAsync();
        await ResumeAsync(store);

        Deliver(store, (9, Entries.Encode(1, 1, Entries.Set("a", "1"))));

        var halted = await _publisher.FishForMessageAsync<PublisherActor.Halted>(static _ => true);
        Assert.Contains("no longer has the entry", halted.Why);
    }

    [Fact]
    public async Task A_log_whose_tail_is_not_behind_what_was_applied_halts_the_node()
    {
        IActorRef store = await StartedAsync();

        store.Tell(new StoreActor.TailSeen(Offset: 1, AppliedOffset: 1));

        var halted = await _publisher.FishForMessageAsync<PublisherActor.Halted>(static _ => true);
        Assert.Contains("recreated", halted.Why);
    }

    [Fact]
    public async Task A_log_whose_tail_is_behind_what_was_applied_is_in_order()
    {
        IActorRef store = await StartedAsync();

        store.Tell(new StoreActor.TailSeen(Offset: 2, AppliedOffset: 1));

        var status = await store.Ask<StoreActor.StoreStatus>(new StoreActor.GetStatus());
        Assert.Equal(NodeState.Ready, status.State);
    }

    [Fact]
    public async Task A_log_that_is_gone_halts_a_node_that_had_applied_some_of_it()
    {
        IActorRef store = await StartedAsync();

        store.Tell(new StoreActor.FeedFailed(new LogMissingException("no such stream")));

        var halted = await _publisher.FishForMessageAsync<PublisherActor.Halted>(static _ => true);
        Assert.Contains("gone", halted.Why);
    }

    [Fact]
    public async Task A_log_that_is_only_away_halts_nobody()
    {
        IActorRef store = await StartedAsync();

        store.Tell(new StoreActor.FeedFailed(new LogUnavailableException("connection refused")));

        var status = await store.Ask<StoreActor.StoreStatus>(new StoreActor.GetStatus());
        Assert.Equal((NodeState.Ready, "connection refused"), (status.State, status.FeedTrouble));
    }

    [Fact]
    public async Task An_outage_is_logged_once_per_cause()
    {
        IActorRef store = await StartedAsync();

        await EventFilter.Warning(contains: "lost the log").ExpectAsync(2, async () =>
        {
            store.Tell(new StoreActor.FeedFailed(new LogUnavailableException("connection reset")));
            store.Tell(new StoreActor.FeedFailed(new LogUnavailableException("connection refused")));
            store.Tell(new StoreActor.FeedFailed(new LogUnavailableException("connection refused")));
            await store.Ask<StoreActor.StoreStatus>(new StoreActor.GetStatus());
        });
    }

    [Fact]
    public async Task The_end_of_an_outage_is_logged_once()
    {
        IActorRef store = await StartedAsync();
        store.Tell(new StoreActor.FeedFailed(new LogUnavailableException("connection refused")));

        await EventFilter.Info(contains: "reads the log again").ExpectOneAsync(async () =>
        {
            Deliver(store, (2, Entries.Register(nonce: 8)));
            Deliver(store, (3, Entries.Register(nonce: 9)));
            await store.Ask<StoreActor.StoreStatus>(new StoreActor.GetStatus());
        });
    }

    [Fact]
    public async Task A_log_of_another_cluster_than_the_data_directory_halts_the_node()
    {
        IActorRef store = await StartAsync(expectedClusterId: 0xBAD);

        Deliver(store, (0, Entries.Genesis()));

        var halted = await _publisher.ExpectMsgAsync<PublisherActor.Halted>();
        Assert.Contains("data directory belongs to", halted.Why);
    }

    [Fact]
    public async Task A_halted_node_stops_its_feed_by_not_acknowledging()
    {
        IActorRef store = await StartedAsync();
        byte[] damaged = Entries.Encode(1, 1, Entries.Set("a", "1"));
        damaged[^12] ^= 1;

        Deliver(store, (2, damaged));

        await _publisher.FishForMessageAsync<PublisherActor.Halted>(static _ => true);
        var status = await store.Ask<StoreActor.StoreStatus>(new StoreActor.GetStatus());
        Assert.Equal((NodeState.Halted, 1), (status.State, status.AppliedOffset));
        Assert.False(_feed.HasMessages);
    }

    [Fact]
    public async Task Entries_of_a_feed_that_asked_no_resume_point_are_not_taken()
    {
        IActorRef store = Sys.ActorOf(StoreActor.Props("n1", 0, _clusters.Add));

        Deliver(store, (0, Entries.Genesis()));

        var status = await store.Ask<StoreActor.StoreStatus>(new StoreActor.GetStatus());
        Assert.Equal(-1, status.AppliedOffset);
    }

    [Fact]
    public async Task Watchers_are_told_of_a_write_before_its_writer_is()
    {
        IActorRef store = await StartedAsync();
        store.Tell(new StoreActor.FollowChanges(), _publisher);
        var following = await _publisher.FishForMessageAsync<StoreActor.Following>(static _ => true);

        Deliver(store, (2, Entries.Encode(1, 1, Entries.Set("a", "1"), Entries.Set("a", "2"))));

        var changes = await _publisher.ExpectMsgAsync<StoreActor.Changes>();
        await _publisher.ExpectMsgAsync<PublisherActor.ReadBack>();
        Assert.Equal(
            [following.Now.Revision + 1, changes.Now.Revision],
            changes.Events.Select(static one => one.Revision));
        Assert.Same(changes.Events[0].Record, changes.Events[1].Previous);
    }

    [Fact]
    public async Task Watchers_are_told_when_the_node_halts()
    {
        IActorRef store = await StartedAsync();
        TestProbe watches = CreateTestProbe();
        store.Tell(new StoreActor.FollowChanges(), watches);
        await watches.ExpectMsgAsync<StoreActor.Following>();

        store.Tell(new StoreActor.HaltNow("why"));

        var end = await watches.ExpectMsgAsync<StoreActor.ServesNoMore>();
        Assert.Equal(KvError.Halted, end.Code);
    }

    private async Task<IActorRef> StartAsync(ulong nonce = 1, ulong expectedClusterId = 0)
    {
        IActorRef store = Sys.ActorOf(StoreActor.Props("n1", expectedClusterId, _clusters.Add));
        store.Tell(new StoreActor.Attach(nonce), _publisher);
        await ResumeAsync(store);
        return store;
    }

    // Founded at offset 0 and registered as producer 1.
    private async Task<IActorRef> StartedAsync()
    {
        IActorRef store = await StartAsync();
        Deliver(store, (0, Entries.Genesis()), (1, Entries.Register()));
        await _feed.ExpectMsgAsync<StoreActor.FeedAck>();
        return store;
    }

    private async Task<StoreActor.ResumePoint> ResumeAsync(IActorRef store) =>
        _point = await store.Ask<StoreActor.ResumePoint>(new StoreActor.GetResumePoint());

    private void Deliver(IActorRef store, params (long Offset, byte[] Entry)[] records)
    {
        store.Tell(
            new StoreActor.FeedRun(
                _point, [.. records.Select(static r => new LogRecord(r.Offset, r.Entry))]),
            _feed);
    }
}
