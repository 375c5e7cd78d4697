using System.Diagnostics;
using System.Text;
using Kv.Actors.Nodes;
using Kv.Core.Store;
using Kv.Host.Tests.Amqp;
using RabbitMQ.Client;
using Xunit.Abstractions;

namespace Kv.Host.Tests.Queue;

[Collection(SharedBroker.Name)]
public sealed class QueueClusterTests(RabbitMqBroker broker, ITestOutputHelper output)
    : QueueClusterTest(broker, output)
{
    private readonly ITestOutputHelper _output = output;

    [Fact]
    public async Task Three_nodes_that_write_the_same_keys_at_once_end_up_the_same()
    {
        RunningNode[] nodes = [await StartAsync("a"), await StartAsync("b"), await StartAsync("c")];
        const int WritersPerNode = 16;
        const int SetsPerWriter = 60;

        long startedAt = Stopwatch.GetTimestamp();
        await Task.WhenAll(nodes.SelectMany(node => Enumerable.Range(0, WritersPerNode).Select(async writer =>
        {
            for (int i = 0; i < SetsPerWriter; i++)
            {
                await SetAsync(node, $"k{i % 7}", $"\"{node.Node.NodeId}-{writer}-{i}\"");
            }
        })));
        TimeSpan took = Stopwatch.GetElapsedTime(startedAt);

        int sets = nodes.Length * WritersPerNode * SetsPerWriter;
        _output.WriteLine($"{sets} sets in {took.TotalMilliseconds:F0} ms: {sets / took.TotalSeconds:F0}/s");
        await WaitUntilEqualAsync(nodes);
        foreach (RunningNode node in nodes)
        {
            Assert.Equal(sets, (await node.Node.GetStatusAsync(default)).Order);
        }
    }

    [Fact]
    public async Task A_node_of_the_original_system_and_ours_understand_each_other()
    {
        RunningNode a = await StartAsync("a");
        RunningNode b = await StartAsync("b");
        await AtBrokerAsync(async channel =>
        {
            QueueDeclareOk own = await channel.QueueDeclareAsync();
            await channel.QueueBindAsync(own.QueueName, Options.ExchangeName, "");
            await channel.BasicPublishAsync(Options.ExchangeName, "", mandatory: true,
                new BasicProperties { ContentType = "application/json" },
                Bytes("""
                    {"command_type": "SET", "key": "color", "value": {"name": "r\u00f6t", "rgb": [255, 0, 0]},
                     "sender_id": "python-1", "message_uuid": "6f1c0a4e-7a51-4c70-9b5c-0c6a6b1d9d10"}
                    """));
            await WaitUntilAsync(
                async () => await LocalAsync(b, "color") is not null, "b has the foreign write");

            await SetAsync(a, "size", "[1, 2]");

            await channel.BasicGetAsync(own.QueueName, autoAck: true);
            BasicGetResult? seen = null;
            await WaitUntilAsync(async () =>
                (seen = await channel.BasicGetAsync(own.QueueName, autoAck: true)) is not null,
                "the foreign node gets ours");
            string json = Encoding.UTF8.GetString(seen!.Body.Span);
            Assert.StartsWith(
                """{"command_type":"SET","key":"size","value":[1, 2],"sender_id":"a","message_uuid":""",
                json,
                StringComparison.Ordinal);
            Assert.Equal("application/json", seen.BasicProperties.ContentType);
        });

        Assert.Equal("""{"name": "r\u00f6t", "rgb": [255, 0, 0]}""", await LocalAsync(a, "color"));
        await WaitUntilEqualAsync(a, b);
    }

    [Fact]
    public async Task A_node_that_joins_late_is_seeded_over_grpc_before_it_serves()
    {
        RunningNode a = await StartAsync("a");
        for (int i = 0; i < 300; i++) { await SetAsync(a, $"k{i}", $"\"{new string('x', 2_000)}\""); }

        RunningNode b = await StartAsync("b");

        NodeStatus[] statuses =
            [await a.Node.GetStatusAsync(default), await b.Node.GetStatusAsync(default)];
        Assert.Equal((300L, statuses[0].Digest), (statuses[1].Keys, statuses[1].Digest));
    }

    [Fact]
    public async Task A_durable_queue_keeps_what_came_while_its_node_was_away()
    {
        RunningNode a = await StartAsync("a", isDurable: true);
        await SetAsync(a, "before", "1");
        await a.DisposeAsync();
        await AtBrokerAsync(async channel => await channel.BasicPublishAsync(
            Options.ExchangeName, "", mandatory: true, new BasicProperties(),
            Bytes("""
                {"command_type":"SET","key":"meanwhile","value":2,"sender_id":"p","message_uuid":"u"}
                """)));

        RunningNode again = await StartAsync("a", isDurable: true);

        await WaitUntilAsync(async () => await LocalAsync(again, "meanwhile") == "2", "the queue is read");
    }

    [Fact]
    public async Task A_command_is_answered_by_the_nodes_own_delivery_with_the_state_at_its_place()
    {
        RunningNode a = await StartAsync("a");
        await SetAsync(a, "k", "1");

        Reply got = await a.Node.ExecuteAsync(new Kv.Core.Entries.Command.Get(Bytes("k")), null, default);

        Assert.Equal((2L, 0L), (got.Order, got.Revision));
        Assert.Equal("1", Encoding.UTF8.GetString(((Reply.Got)got).Value!.Value.Span));
    }
}
