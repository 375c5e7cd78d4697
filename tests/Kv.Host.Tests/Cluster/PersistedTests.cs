using System.Collections.Concurrent;
using Grpc.Core;
using Kv.Actors.Journal;
using Kv.Host.Tests.Amqp;
using Kv.Host.Tests.Hosting;
using Kv.Protos.V1;

namespace Kv.Host.Tests.Cluster;

/// <summary>ACK=persisted: what was answered is on the disks of a majority of the nodes.</summary>
[Collection(FaultyBroker.Name)]
public sealed class PersistedTests(RabbitMqBroker broker)
{
    [Fact]
    public async Task When_nodes_are_killed_and_the_broker_loses_its_data_a_majority_has_each_answered_write()
    {
        await using Cluster cluster = await StartAsync();
        using var stop = new CancellationTokenSource();
        var acknowledged = new ConcurrentBag<string>();
        Task writing = Task.WhenAll(
            cluster.Nodes.Select((node, i) => WriteAsync(node, $"n{i}", acknowledged, stop.Token)));
        await Eventually.HoldsAsync("writes are answered", () => Task.FromResult(acknowledged.Count > 200));

        foreach (HostProcess node in cluster.Nodes)
        {
            node.Kill9();
        }
        await stop.CancelAsync();
        await writing;
        await broker.DisposeAsync();
        await broker.StartAsync();

        List<StoreLoad> loads = [];
        foreach (HostProcess node in cluster.Nodes)
        {
            loads.Add(await StoreLoader.LoadAsync(node.DataDirectory, CancellationToken.None));
        }
        Assert.DoesNotContain(acknowledged, key => loads.Count(load =>
            load.Store!.Get(System.Text.Encoding.UTF8.GetBytes(key)) is not null) < 2);
        await cluster.Nodes[0].RestartAsync(waitUntilReady: false);
        await Eventually.HoldsAsync(
            "it halts", async () => (await cluster.Nodes[0].StatusAsync()).State == "halted");
    }

    [Fact]
    public async Task It_answers_persisted_and_with_two_of_three_nodes_away_applied_not_persisted()
    {
        await using Cluster cluster = await StartAsync();
        KvService.KvServiceClient kv = cluster.Nodes[0].Kv();
        SetReply set = await SetAsync(kv, "a", seconds: 20);
        Assert.Equal("persisted", set.Ack);
        cluster.Nodes[1].Kill9();
        await cluster.Nodes[2].TerminateAsync();

        // Without a deadline of its own: the server's comes with its word.
        var late = await Assert.ThrowsAsync<RpcException>(
            () => kv.SetAsync(new SetRequest { Key = "b", ValueJson = "1" }).ResponseAsync);

        Assert.Equal(StatusCode.DeadlineExceeded, late.StatusCode);
        Assert.StartsWith("Applied, not persisted.", late.Status.Detail);
        GetReply applied = await kv.GetAsync(new GetRequest { Key = "b", Consistency = Consistency.Local });
        Assert.True(applied.Found);
        await cluster.Nodes[1].RestartAsync();
        Assert.Equal("persisted", (await SetAsync(kv, "c", seconds: 20)).Ack);
    }

    [Fact]
    public async Task After_a_restart_of_the_broker_it_goes_on()
    {
        await using Cluster cluster = await StartAsync();
        KvService.KvServiceClient kv = cluster.Nodes[0].Kv();
        await SetAsync(kv, "a", seconds: 20);

        await broker.KillAsync();
        await broker.StartAsync();

        await Eventually.HoldsAsync("writes are answered again", async () =>
        {
            try
            {
                return (await SetAsync(kv, "b", seconds: 5)).Ack == "persisted";
            }
            catch (RpcException)
            {
                return false;
            }
        });
    }

    private Task<Cluster> StartAsync() =>
        Cluster.StartAsync(broker, "stream", ("ACK", "persisted"), ("KV_CLUSTER_SIZE", "3"));

    private static async Task<SetReply> SetAsync(KvService.KvServiceClient kv, string key, int seconds) =>
        await kv.SetAsync(
            new SetRequest { Key = key, ValueJson = "1" }, deadline: DateTime.UtcNow.AddSeconds(seconds));

    private static async Task WriteAsync(
        HostProcess node, string name, ConcurrentBag<string> acknowledged, CancellationToken stop)
    {
        for (int i = 0; !stop.IsCancellationRequested; i++)
        {
            try
            {
                await SetAsync(node.Kv(), $"{name}-{i}", seconds: 10);
                acknowledged.Add($"{name}-{i}");
            }
            catch (Exception killed) when (killed is RpcException or ObjectDisposedException)
            {
                return;
            }
        }
    }
}
