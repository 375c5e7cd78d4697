using System.Text;
using Kv.Actors.Log;
using Kv.Actors.Nodes;
using Kv.Actors.Queue;
using Kv.Core.Entries;
using Kv.Core.Store;
using Xunit.Abstractions;

namespace Kv.Actors.Tests.Queue;

public sealed class QueueNodeTests(ITestOutputHelper output) : QueueClusterTestKit(output)
{
    [Fact]
    public async Task A_set_is_answered_with_an_order_and_no_revision_and_reaches_every_node()
    {
        QueueNode a = await StartReadyAsync("a");
        QueueNode b = await StartReadyAsync("b");

        Reply reply = await SetAsync(a, "k", "{\"x\": 1}");

        Assert.Equal((1L, 0L), (Assert.IsType<Reply.Done>(reply).Order, reply.Revision));
        await UntilAsync(async () => await LocalAsync(b, "k") == "{\"x\": 1}");
    }

    [Fact]
    public async Task Get_print_and_del_travel_as_messages_and_are_answered_from_the_state_at_their_place()
    {
        QueueNode a = await StartReadyAsync("a");
        await SetAsync(a, "k", "7");

        var got = (Reply.Got)await ExecuteAsync(a, new Command.Get("k"u8.ToArray()));
        var printed = (Reply.Printed)await ExecuteAsync(a, new Command.Print());
        var removed = (Reply.Removed)await ExecuteAsync(a, new Command.Del("k"u8.ToArray()));
        var again = (Reply.Removed)await ExecuteAsync(a, new Command.Del("k"u8.ToArray()));

        Assert.Equal("7", Encoding.UTF8.GetString(got.Value!.Value.Span));
        Assert.Equal(1, printed.View!.Count);
        Assert.Equal((1L, 0L), (removed.Deleted, again.Deleted));
        Assert.Equal([2L, 3L, 4L, 5L], [got.Order, printed.Order, removed.Order, again.Order]);
    }

    [Fact]
    public async Task What_is_published_is_the_originals_json_with_our_additions_in_headers()
    {
        QueueNode a = await StartReadyAsync("a", same => same with { Incarnation = 77 });

        await SetAsync(a, "ключ", "[1,  2.50]");

        var message = Assert.Single(Commands.PublishedSoFar());
        string json = Encoding.UTF8.GetString(message.Body.Span);
        Assert.StartsWith(
            """{"command_type":"SET","key":"ключ","value":[1,  2.50],"sender_id":"a","message_uuid":""",
            json,
            StringComparison.Ordinal);
        Assert.Equal(["kv-incarnation", "kv-lamport", "kv-node", "kv-seq"], message.Headers.Keys.Order());
        Assert.Equal((77L, 1L), ((long)message.Headers["kv-incarnation"]!, (long)message.Headers["kv-seq"]!));
    }

    [Fact]
    public async Task A_plain_message_of_a_foreign_node_is_applied_and_its_redelivery_is_not()
    {
        QueueNode a = await StartReadyAsync("a");
        PublishPlain("SET", "k", "\"old\"", "u1");
        await UntilAsync(async () => await LocalAsync(a, "k") == "\"old\"");
        await SetAsync(a, "k", "\"new\"");

        PublishPlain("SET", "k", "\"old\"", "u1");
        Reply after = await SetAsync(a, "other", "1");

        Assert.Equal("\"new\"", await LocalAsync(a, "k"));
        Assert.Equal(3, after.Order);
    }

    [Fact]
    public async Task Plain_writes_that_nodes_receive_in_different_order_end_up_the_same()
    {
        QueueNode a = await StartReadyAsync("a");
        QueueNode b = await StartReadyAsync("b");
        // Each node misses the other half until it is repaired.
        Commands.Reaches = (_, node) => node == "a";
        PublishPlain("SET", "k", "1", "u1");
        PublishPlain("SET", "only-a", "1", "u2");
        Commands.Reaches = (_, node) => node == "b";
        PublishPlain("SET", "k", "2", "u3");
        Commands.Reaches = (_, _) => true;

        await UntilAsync(async () => await ContentsAsync(a) is var contents
            && contents == await ContentsAsync(b)
            && contents.Contains("only-a", StringComparison.Ordinal));

        Assert.Equal((await a.GetStatusAsync(default)).Digest, (await b.GetStatusAsync(default)).Digest);
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("[]")]
    [InlineData("""{"command_type":"SET","key":"k","sender_id":"p","message_uuid":"u"}""")]
    [InlineData("""{"command_type":"WIPE","key":"k","value":1,"sender_id":"p","message_uuid":"u"}""")]
    [InlineData("""{"command_type":"SET","key":5,"value":1,"sender_id":"p","message_uuid":"u"}""")]
    [InlineData("""{"command_type":"SET","key":"","value":1,"sender_id":"p","message_uuid":"u"}""")]
    [InlineData("""{"command_type":"SET","key":"\ud800","value":1,"sender_id":"p","message_uuid":"u"}""")]
    [InlineData("""{"command_type":"SET","key":"k","value":NaN,"sender_id":"p","message_uuid":"u"}""")]
    [InlineData("""{"command_type":"SET","key":"k","value":1,"sender_id":null,"message_uuid":"u"}""")]
    public async Task A_malformed_message_is_acknowledged_and_does_not_stop_the_node(string body)
    {
        QueueNode a = await StartReadyAsync("a");

        PublishRaw(body);
        Reply reply = await SetAsync(a, "after", "1");

        Assert.Equal(1, reply.Order);
        Assert.Equal(2, CommandFanouts["a"].Acknowledged);
        Assert.Contains((await a.GetStatusAsync(default)).Alarms,
            alarm => alarm.StartsWith("1 malformed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_node_that_joins_late_has_everything_before_it_serves()
    {
        QueueNode a = await StartReadyAsync("a");
        for (int i = 0; i < 500; i++) { await SetAsync(a, $"k{i}", $"{i}"); }

        QueueNode b = await StartReadyAsync("b");

        Assert.Equal(500, (await b.GetStatusAsync(default)).Keys);
    }

    [Fact]
    public async Task A_large_value_and_many_keys_survive_the_exchange_in_chunks()
    {
        QueueNode a = await StartReadyAsync("a");
        string large = $"\"{new string('x', 1_500_000)}\"";
        await SetAsync(a, "large", large);
        for (int i = 0; i < 20; i++) { await SetAsync(a, $"k{i}", $"\"{new string('y', 50_000)}\""); }

        QueueNode b = await StartReadyAsync("b");

        Assert.Equal(large, await LocalAsync(b, "large"));
        Assert.Equal((await a.GetStatusAsync(default)).Digest, (await b.GetStatusAsync(default)).Digest);
    }

    [Fact]
    public async Task A_message_that_did_not_reach_a_node_is_brought_by_anti_entropy()
    {
        QueueNode a = await StartReadyAsync("a");
        QueueNode b = await StartReadyAsync("b");
        Commands.Reaches = (_, node) => node != "b";
        await SetAsync(a, "lost", "1");
        Commands.Reaches = (_, _) => true;

        await SetAsync(a, "after", "2");

        await UntilAsync(async () => await LocalAsync(b, "lost") == "1");
        await UntilAsync(async () => (await b.GetStatusAsync(default)).Alarms.Count == 0);
    }

    [Fact]
    public async Task A_node_whose_queue_was_lost_merges_again_before_it_serves()
    {
        QueueNode a = await StartReadyAsync("a");
        QueueNode b = await StartReadyAsync("b");
        await SetAsync(b, "before", "1");
        CommandFanouts["b"].Down();
        await UntilAsync(async () => (await b.GetStatusAsync(default)).State == NodeState.Starting);
        await SetAsync(a, "meanwhile", "2");

        CommandFanouts["b"].Up();

        await UntilAsync(async () => (await b.GetStatusAsync(default)).State == NodeState.Ready);
        Assert.Equal("2", await LocalAsync(b, "meanwhile"));
    }

    [Fact]
    public async Task A_message_whose_publishing_failed_is_published_again_unchanged_and_applied_once()
    {
        QueueNode a = await StartReadyAsync("a");
        QueueNode b = await StartReadyAsync("b");
        Commands.Reaches = (_, _) => false;
        CommandFanouts["a"].FailAfterPublish = new LogOutcomeUnknownException("The test lost the confirm.");
        Task<Reply> setting = SetAsync(a, "k", "1");
        await UntilAsync(() => Task.FromResult(Commands.PublishedSoFar().Length >= 3));

        Commands.Reaches = (_, _) => true;
        Reply reply = await setting;
        CommandFanouts["a"].FailAfterPublish = null;
        Reply next = await SetAsync(a, "k", "2");

        Assert.Equal([1L, 2L], [reply.Order, next.Order]);
        Assert.Single(Commands.PublishedSoFar()[..^1]
            .Select(message =>
                (Encoding.UTF8.GetString(message.Body.Span), message.Headers["kv-seq"])).Distinct());
        await UntilAsync(async () => (await b.GetStatusAsync(default)).Order == 2);
        Assert.Empty((await b.GetStatusAsync(default)).Alarms);
    }
}
