using Grpc.Core;
using Kv.Actors.Log.Amqp;
using Kv.Host.Tests.Amqp;
using Kv.Host.Tests.Hosting;
using Kv.Protos.V1;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Kv.Host.Tests.Cluster;

/// <summary>
/// The broker takes back entries that were acknowledged and gives their offsets to others, as after a loss of
/// power and an unlucky election, while one node lags.
/// </summary>
[Collection(SharedBroker.Name)]
public sealed class StreamRewriteTests(RabbitMqBroker broker)
{
    private const int WatchedMs = 6_000;

    [Fact]
    public async Task No_node_serves_what_follows_a_rewrite_not_even_one_that_lags()
    {
        await using Cluster cluster = await Cluster.StartAsync(broker, "stream");
        await SetAsync(cluster.Nodes[0], "kept", 20);
        await cluster.EqualStateAsync();
        HostProcess lagging = cluster.Nodes[2];
        long applied = (await lagging.StatusAsync()).AppliedOffset;
        await lagging.SuspendAsync();
        await SetAsync(cluster.Nodes[0], "lost", 20);

        await RewriteAsync(cluster.Exchange, keptUpTo: applied);
        lagging.Resume();
        List<string> served = await ServedAsync(lagging);

        Assert.Empty(served);
        foreach (HostProcess node in cluster.Nodes)
        {
            await Eventually.HoldsAsync(
                "the node has halted", async () => (await node.StatusAsync()).State == "halted");
        }
    }

    /// <summary>Commands that a node answers, until it has halted and for a while at least.</summary>
    private static async Task<List<string>> ServedAsync(HostProcess node)
    {
        List<string> served = [];
        long until = Environment.TickCount64 + WatchedMs;
        for (int i = 0; Environment.TickCount64 < until; i++)
        {
            try
            {
                DateTime deadline = DateTime.UtcNow.AddSeconds(1);
                if (i % 2 == 0)
                {
                    await node.Kv().SetAsync(
                        new SetRequest { Key = "forked", ValueJson = "1" }, deadline: deadline);
                }
                else
                {
                    await node.Kv().GetAsync(new GetRequest { Key = "lost-0" }, deadline: deadline);
                }
                served.Add(i % 2 == 0 ? $"set {i}" : $"get {i}");
            }
            catch (RpcException refused) when (refused.StatusCode is StatusCode.Unavailable
                or StatusCode.DeadlineExceeded or StatusCode.DataLoss)
            {
                await Task.Delay(20);
            }
        }
        return served;
    }

    /// <summary>The same stream once more, with other messages behind an offset, and fewer of them.</summary>
    private async Task RewriteAsync(string exchange, long keptUpTo)
    {
        AmqpOptions options = new() { Brokers = new([broker.Uri]), ExchangeName = exchange };
        await using IConnection connection =
            await new ConnectionFactory { Uri = broker.Uri }.CreateConnectionAsync();
        await using IChannel channel = await connection.CreateChannelAsync(new CreateChannelOptions(
            publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true));
        List<byte[]> kept = await ReadAsync(channel, options.StreamName, (int)keptUpTo + 1);
        await channel.QueueDeleteAsync(options.StreamName);
        await channel.QueueDeclareAsync(
            options.StreamName, true, false, false, AmqpTopology.StreamArguments(options));
        await channel.QueueBindAsync(options.StreamName, exchange, "");
        foreach (byte[] message in kept.Concat(Enumerable.Repeat("other"u8.ToArray(), 5)))
        {
            await channel.BasicPublishAsync("", options.StreamName, mandatory: true, message);
        }
    }

    private static async Task<List<byte[]>> ReadAsync(IChannel channel, string stream, int count)
    {
        List<byte[]> messages = [];
        var done = new TaskCompletionSource();
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += async (_, delivery) =>
        {
            if (messages.Count < count)
            {
                messages.Add(delivery.Body.ToArray());
            }
            if (messages.Count == count)
            {
                done.TrySetResult();
            }
            await channel.BasicAckAsync(delivery.DeliveryTag, multiple: false);
        };
        await channel.BasicQosAsync(0, 100, false);
        string tag = await channel.BasicConsumeAsync(
            stream, false, "", false, false,
            new Dictionary<string, object?> { ["x-stream-offset"] = "first" },
            consumer);
        await done.Task.WaitAsync(TimeSpan.FromSeconds(30));
        await channel.BasicCancelAsync(tag);
        return messages;
    }

    private static async Task SetAsync(HostProcess node, string name, int count)
    {
        for (int i = 0; i < count; i++)
        {
            await node.Kv().SetAsync(new SetRequest { Key = $"{name}-{i}", ValueJson = $"{i}" });
        }
    }
}
