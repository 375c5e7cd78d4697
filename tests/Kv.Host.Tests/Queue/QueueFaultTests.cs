using Kv.Actors.Nodes;
using Kv.Core.Store;
using Kv.Host.Tests.Amqp;
using Xunit.Abstractions;

namespace Kv.Host.Tests.Queue;

[Collection(FaultyBroker.Name)]
public sealed class QueueFaultTests(RabbitMqBroker broker, ITestOutputHelper output)
    : QueueClusterTest(broker, output)
{
    [Fact]
    public async Task Nodes_that_write_through_a_broker_crash_end_up_the_same_and_lose_no_answered_write()
    {
        RunningNode[] nodes = [await StartAsync("a"), await StartAsync("b"), await StartAsync("c")];
        using var enough = new CancellationTokenSource();
        Task<List<(string Key, string Value)>>[] writers =
            [.. nodes.Select(node => WriteAsync(node, enough.Token))];
        await WaitUntilAsync(
            async () => (await nodes[0].Node.GetStatusAsync(default)).Order > 100, "writes go on");

        await Broker.KillAsync();
        await Broker.StartAsync();
        foreach (RunningNode node in nodes) { await WaitUntilReadyAsync(node); }
        await enough.CancelAsync();

        List<(string Key, string Value)>[] answered = await Task.WhenAll(writers);
        await WaitUntilEqualAsync(nodes);
        foreach ((string key, string value) in answered.SelectMany(list => list))
        {
            Assert.Equal(value, await LocalAsync(nodes[2], key));
        }
    }

    /// <summary>Each write has a key of its own; what was answered is returned.</summary>
    private static async Task<List<(string Key, string Value)>> WriteAsync(
        RunningNode node, CancellationToken enough)
    {
        List<(string, string)> answered = [];
        for (int i = 0; !enough.IsCancellationRequested; i++)
        {
            (string key, string value) = ($"{node.Node.NodeId}-{i}", $"{i}");
            try
            {
                Reply reply = await SetAsync(node, key, value);
                Assert.IsType<Reply.Done>(reply);
                answered.Add((key, value));
            }
            catch (KvException refusal) when (refusal.Code is KvError.LogUnavailable or KvError.NotReady)
            {
                await Task.Delay(20, CancellationToken.None);
            }
        }
        return answered;
    }
}
