using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using Kv.Actors.Nodes;
using Kv.Actors.Store;
using Kv.Actors.Watching;
using Kv.Core.Watch;
using Entries = Kv.Actors.Tests.Core.Entries;

namespace Kv.Actors.Tests.Watch;

/// <summary>The hub between a store that is played by hand and streams.</summary>
public sealed class WatchHubActorTests : TestKit
{
    private readonly TestProbe _store;
    private readonly IActorRef _hub;
    private string _notServingBecause = "";

    public WatchHubActorTests()
    {
        _store = CreateTestProbe();
        _hub = Sys.ActorOf(WatchHubActor.Props(_store, () => Volatile.Read(ref _notServingBecause)));
    }

    [Fact]
    public async Task A_stream_opens_when_the_store_serves()
    {
        await using WatchSession session = await OpenAsync();

        await session.AskAsync(Create("a"), default);

        WatchReply reply = await NextAsync(session);
        Assert.Equal((WatchReplyKind.Created, 7), (reply.Kind, reply.Revision));
    }

    [Fact]
    public async Task A_stream_does_not_open_when_the_store_does_not_serve()
    {
        await using WatchSession session = Session();
        _hub.Tell(new WatchHubActor.Open(session));
        await _store.ExpectMsgAsync<StoreActor.FollowChanges>();

        _store.Reply(new StoreActor.NotServing(KvError.NotReady, "not yet"));

        KvException refused = await Assert.ThrowsAsync<KvException>(() => session.Opened);
        Assert.Equal((KvError.NotReady, "not yet"), (refused.Code, refused.Message));
    }

    [Theory]
    [InlineData(KvError.Halted)]
    [InlineData(KvError.NotReady)]
    public async Task When_the_store_serves_no_more_all_streams_end_with_its_reason(KvError code)
    {
        await using WatchSession one = await OpenAsync();
        await using WatchSession other = await OpenAsync();

        _hub.Tell(new StoreActor.ServesNoMore(code, "why"));

        foreach (WatchSession session in new[] { one, other })
        {
            KvException end = await EndAsync(session);
            Assert.Equal((code, "why"), (end.Code, end.Message));
        }
    }

    [Fact]
    public async Task When_peers_hold_the_node_back_nothing_applied_since_is_told()
    {
        await using WatchSession session = await OpenAsync();
        await session.AskAsync(Create("a"), default);
        await NextAsync(session);

        Volatile.Write(ref _notServingBecause, "Peers know another log.");
        _hub.Tell(new StoreActor.Changes([Event("a", revision: 8)], new WatchHistory(default, 8, 0)));

        KvException end = await EndAsync(session);
        Assert.Equal((KvError.NotReady, "Peers know another log."), (end.Code, end.Message));
        Assert.Null(session.TryNext());
    }

    [Fact]
    public async Task A_node_that_stops_opens_no_more()
    {
        _hub.Tell(new WatchHubActor.Stop());
        await using WatchSession session = Session();

        _hub.Tell(new WatchHubActor.Open(session));

        KvException refused = await Assert.ThrowsAsync<KvException>(() => session.Opened);
        Assert.Equal(KvError.Stopping, refused.Code);
    }

    [Fact]
    public async Task A_hub_that_fails_ends_its_streams()
    {
        await using WatchSession session = await OpenAsync();

        _hub.Tell(PoisonPill.Instance);

        Assert.Equal(KvError.NotReady, (await EndAsync(session)).Code);
    }

    [Fact]
    public async Task The_store_is_told_when_the_last_stream_is_gone()
    {
        WatchSession one = await OpenAsync();
        WatchSession other = await OpenAsync();

        await one.DisposeAsync();
        await other.DisposeAsync();

        await _store.ExpectMsgAsync<StoreActor.UnfollowChanges>();
        Assert.False(_store.HasMessages);
    }

    [Fact]
    public async Task What_happens_goes_to_who_watches_it_in_order()
    {
        await using WatchSession session = await OpenAsync();
        await session.AskAsync(Create("a"), default);
        await NextAsync(session);

        _hub.Tell(new StoreActor.Changes(
            [Event("a", revision: 8), Event("b", revision: 9)], new WatchHistory(default, 9, 0)));
        _hub.Tell(new StoreActor.Changes([Event("a", revision: 10)], new WatchHistory(default, 10, 0)));

        List<long> revisions = [];
        while (revisions.Count < 2)
        {
            revisions.AddRange((await NextAsync(session)).Events.Select(static one => one.Revision));
        }
        Assert.Equal([8, 10], revisions);
    }

    private static WatchEvent Event(string key, long revision) => new(
        new Kv.Core.Store.KeyRecord(Entries.Utf8(key), [], revision, revision, 1, 0), previous: null);

    private static WatchDemand.Create Create(string key) =>
        new(0, WatchedKeys.Of(Entries.Utf8(key), default));

    private async Task<WatchSession> OpenAsync()
    {
        WatchSession session = Session();
        _hub.Tell(new WatchHubActor.Open(session));
        await _store.ExpectMsgAsync<StoreActor.FollowChanges>();
        _store.Reply(new StoreActor.Following(new WatchHistory(default, 7, 0)));
        await session.Opened;
        return session;
    }

    private WatchSession Session() => new(_hub, TimeProvider.System, progressIntervalMs: 0);

    private static async Task<WatchReply> NextAsync(WatchSession session)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        while (true)
        {
            if (session.TryNext() is { } reply)
            {
                return reply;
            }
            await session.WaitAsync(patience.Token);
        }
    }

    private static async Task<KvException> EndAsync(WatchSession session)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        return await Assert.ThrowsAsync<KvException>(async () =>
        {
            while (true)
            {
                session.TryNext();
                await session.WaitAsync(patience.Token);
            }
        });
    }
}
