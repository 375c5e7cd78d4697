using System.Text;
using Kv.Actors.Fanouts;
using Kv.Actors.Nodes;
using Kv.Actors.Presence;
using Kv.Actors.Queue;
using Kv.Core;
using Kv.Core.Entries;
using Kv.Core.Store;
using Xunit.Abstractions;

namespace Kv.Actors.Tests.Queue;

public sealed class QueueRefusalTests(ITestOutputHelper output) : QueueClusterTestKit(output)
{
    [Fact]
    public async Task What_needs_a_total_order_is_refused_by_name()
    {
        QueueNode a = await StartReadyAsync("a");
        var set = new Command.Set("k"u8.ToArray(), "1"u8.ToArray());

        var withId = await Assert.ThrowsAsync<KvException>(
            () => a.ExecuteAsync(set, new RequestId(1, 0), default));
        var barrier = await Assert.ThrowsAsync<KvException>(() => ExecuteAsync(a, new Command.Barrier()));

        Assert.Equal(
            [KvError.UnsupportedInMode, KvError.UnsupportedInMode], [withId.Code, barrier.Code]);
    }

    [Fact]
    public async Task What_json_cannot_carry_is_refused_before_it_is_published()
    {
        QueueNode a = await StartReadyAsync("a");
        (byte[] Key, byte[] Value)[] unfit =
        [
            ("k"u8.ToArray(), "not json"u8.ToArray()),
            ("k"u8.ToArray(), []),
            ("k"u8.ToArray(), "1 2"u8.ToArray()),
            ([0xff, 0xfe], "1"u8.ToArray()),
        ];

        KvException[] refusals = await Task.WhenAll(unfit.Select(pair => Assert.ThrowsAsync<KvException>(
            () => ExecuteAsync(a, new Command.Set(pair.Key, pair.Value)))));

        Assert.All(refusals, refusal => Assert.Equal(KvError.UnsupportedInMode, refusal.Code));
        Assert.Empty(Commands.PublishedSoFar());
    }

    [Fact]
    public async Task An_empty_key_and_a_large_value_are_refused_as_the_store_would()
    {
        QueueNode a = await StartReadyAsync("a");
        byte[] large = Encoding.UTF8.GetBytes($"\"{new string('x', KvLimits.RequestBytesMax)}\"");

        Reply empty = await ExecuteAsync(a, new Command.Get(ReadOnlyMemory<byte>.Empty));
        Reply tooLarge = await ExecuteAsync(a, new Command.Set("k"u8.ToArray(), large));

        Assert.Equal(StoreError.KeyEmpty, Assert.IsType<Reply.Refused>(empty).Error);
        Assert.Equal(StoreError.RequestTooLarge, Assert.IsType<Reply.Refused>(tooLarge).Error);
    }

    [Fact]
    public async Task Without_a_broker_commands_are_refused_at_once_as_unavailable()
    {
        QueueNode a = await StartReadyAsync("a");
        CommandFanouts["a"].Down();

        var refusal = await Assert.ThrowsAsync<KvException>(() => SetAsync(a, "k", "1"));

        Assert.Equal(KvError.LogUnavailable, refusal.Code);
        Assert.Empty(Commands.PublishedSoFar());
    }

    [Fact]
    public async Task A_deadline_after_the_publish_leaves_the_outcome_unknown()
    {
        QueueNode a = await StartReadyAsync("a");
        Commands.Reaches = (_, _) => false;

        var refusal = await Assert.ThrowsAsync<KvException>(() => SetAsync(a, "k", "1", timeoutMs: 100));

        Assert.Equal(KvError.OutcomeUnknown, refusal.Code);
    }

    [Fact]
    public async Task A_deadline_in_line_means_that_the_command_is_never_published()
    {
        QueueNode a = await StartReadyAsync("a", same => same with { PublishWindow = 1 });
        Commands.Reaches = (_, _) => false;
        Task<Reply> first = SetAsync(a, "first", "1");
        await UntilAsync(() => Task.FromResult(Commands.PublishedSoFar().Length == 1));

        var refusal = await Assert.ThrowsAsync<KvException>(
            () => SetAsync(a, "second", "1", timeoutMs: 100));
        Commands.Reaches = (_, _) => true;
        CommandFanouts["a"].Down();
        CommandFanouts["a"].Up();
        await first;

        Assert.Equal(KvError.DeadlineBeforePublish, refusal.Code);
        Assert.DoesNotContain(Commands.PublishedSoFar(), message =>
            Encoding.UTF8.GetString(message.Body.Span).Contains("second", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Beyond_the_limit_of_waiting_commands_the_node_is_overloaded()
    {
        QueueNode a = await StartReadyAsync("a", same => same with { PublishWindow = 1 });
        Commands.Reaches = (_, _) => false;
        var get = new Command.Get("k"u8.ToArray());
        using var deadline = new CancellationTokenSource();
        List<Task<Reply>> waiting = [];
        for (int i = 0; i <= KvLimits.CommandsWaitingMax; i++)
        {
            waiting.Add(a.ExecuteAsync(get, null, deadline.Token));
        }

        var refusal = await Assert.ThrowsAsync<KvException>(() => ExecuteAsync(a, get));

        Assert.Equal(KvError.Overloaded, refusal.Code);
        Assert.All(waiting, task => Assert.False(task.IsCompleted));
    }

    [Fact]
    public async Task A_node_that_sees_a_peer_and_cannot_merge_with_it_serves_nothing()
    {
        await StartReadyAsync("a");
        Peers.AreUnreachable = true;
        QueueNode b = await StartAsync("b");
        await UntilAsync(() => Task.FromResult(Peers.Pulls > 0));

        var write = await Assert.ThrowsAsync<KvException>(() => SetAsync(b, "k", "1"));
        var read = await Assert.ThrowsAsync<KvException>(() => LocalAsync(b, "k"));

        Assert.Equal([KvError.NotReady, KvError.NotReady], [write.Code, read.Code]);
        Peers.AreUnreachable = false;
        await UntilAsync(async () => (await b.GetStatusAsync(default)).State == NodeState.Ready);
    }

    [Fact]
    public async Task A_second_live_node_with_the_same_id_is_refused_and_the_first_goes_on()
    {
        QueueNode first = await StartReadyAsync("a");
        await SetAsync(first, "k", "1");

        QueueNode second = await StartAsync("a");

        var refusal = await Assert.ThrowsAsync<NodeRefusedException>(() => second.Admitted);
        Assert.Contains("NODE_ID a is alive already, at http://a", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(2, (await SetAsync(first, "k", "2")).Order);
    }

    [Fact]
    public async Task Of_two_nodes_that_start_at_once_with_one_id_the_earlier_stays()
    {
        QueueNode later = await StartAsync("a", same => same with { Incarnation = 2 });
        QueueNode earlier = await StartAsync("a", same => same with { Incarnation = 1 });

        await Assert.ThrowsAsync<NodeRefusedException>(() => later.Admitted);
        await earlier.Admitted;
    }

    [Fact]
    public async Task A_node_that_left_may_come_back_under_its_id()
    {
        QueueNode first = await StartReadyAsync("a");
        await StartReadyAsync("b");
        await SetAsync(first, "k", "1");
        await first.StopAsync(CancellationToken.None);

        QueueNode again = await StartReadyAsync("a");

        Assert.Equal("1", await LocalAsync(again, "k"));
    }

    [Fact]
    public async Task A_node_is_refused_where_another_mode_runs_on_the_exchange()
    {
        var stream = new Announcement("s", 1, "http://s", ReplicationMode.Stream, NodeState.Ready);
        byte[] announcement = AnnouncementCodec.Encode(new PresenceMessage(PresenceKind.Announce, stream));
        QueueNode a = await StartAsync("a", same => same with
        {
            Presence = same.Presence with { WhoWaitMs = 5_000 },
        });
        await UntilAsync(() => Task.FromResult(Presence.PublishedSoFar().Length > 0));

        Presence.Publish(new FanoutMessage(
            announcement, AnnouncementCodec.ContentType, FanoutMessage.NoHeaders));

        var refusal = await Assert.ThrowsAsync<NodeRefusedException>(() => a.Admitted);
        Assert.Contains("mode stream", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Members_are_listed_with_what_they_announced()
    {
        QueueNode a = await StartReadyAsync("a");
        QueueNode b = await StartReadyAsync("b");
        await SetAsync(b, "k", "1");

        await UntilAsync(async () =>
            (await a.GetStatusAsync(default)).Members is [{ NodeId: "b", AppliedOffset: 1 }]);

        MemberStatus member = (await a.GetStatusAsync(default)).Members[0];
        Assert.Equal(("http://b", ReplicationMode.Queue, NodeState.Ready),
            (member.Url, member.Mode, member.State));
    }
}
