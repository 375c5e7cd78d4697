using System.Collections.Concurrent;
using System.Net;
using Grpc.Core;
using Kv.Host.Tests.Amqp;
using Kv.Host.Tests.Hosting;
using Kv.Protos.V1;

namespace Kv.Host.Tests.Cluster;

/// <summary>Stream mode while its broker dies, comes back, or loses the log.</summary>
[Collection(FaultyBroker.Name)]
public sealed class StreamFaultTests(RabbitMqBroker broker)
{
    [Fact]
    public async Task Every_acknowledged_write_survives_a_killed_broker_and_no_node_needs_a_restart()
    {
        await using Cluster cluster = await Cluster.StartAsync(broker, "stream");
        using var stop = new CancellationTokenSource();
        var acknowledged = new ConcurrentBag<string>();
        Task writing = Task.WhenAll(
            cluster.Nodes.Select((node, i) => WriteUniqueAsync(node, $"n{i}", acknowledged, stop.Token)));
        await UntilAsync(() => acknowledged.Count > 100);

        await broker.KillAsync();
        await broker.StartAsync();
        int before = acknowledged.Count;
        await UntilAsync(() => acknowledged.Count > before + 100);
        await stop.CancelAsync();
        await writing;

        IReadOnlyDictionary<string, string> state = await cluster.EqualStateAsync();
        Assert.DoesNotContain(acknowledged, key => !state.ContainsKey(key));
    }

    [Fact]
    public async Task While_the_broker_is_away_local_reads_go_on_and_writes_fail_at_once()
    {
        await using Cluster cluster = await Cluster.StartAsync(broker, "stream");
        KvService.KvServiceClient kv = cluster.Nodes[0].Kv();
        await kv.SetAsync(new SetRequest { Key = "a", ValueJson = "1" });
        await broker.KillAsync();
        try
        {
            await FailsAsync(() => kv.SetAsync(new SetRequest { Key = "a", ValueJson = "2" }).ResponseAsync);

            GetReply read = await kv.GetAsync(new GetRequest { Key = "a", Consistency = Consistency.Local });

            Assert.Equal("1", read.ValueJson);
        }
        finally
        {
            await broker.StartAsync();
        }
    }

    [Fact]
    public async Task A_deleted_log_halts_every_node_also_after_its_restart()
    {
        await using Cluster cluster = await Cluster.StartAsync(broker, "stream");
        await cluster.Nodes[0].Kv().SetAsync(new SetRequest { Key = "a", ValueJson = "1" });
        await cluster.EqualStateAsync();

        await broker.ControlAsync("delete_queue", $"{cluster.Exchange}.log");

        foreach (HostProcess node in cluster.Nodes)
        {
            await HaltsAsync(node);
        }
        cluster.Nodes[1].Kill9();
        await cluster.Nodes[1].RestartAsync(waitUntilReady: false);
        await HaltsAsync(cluster.Nodes[1]);
        var refused = await Assert.ThrowsAsync<RpcException>(async () => await cluster.Nodes[0].Kv().GetAsync(
            new GetRequest { Key = "a", Consistency = Consistency.Local }));
        Assert.Equal(StatusCode.DataLoss, refused.StatusCode);
    }

    private static async Task WriteUniqueAsync(
        HostProcess node, string name, ConcurrentBag<string> acknowledged, CancellationToken stop)
    {
        for (int i = 0; !stop.IsCancellationRequested; i++)
        {
            try
            {
                await node.Kv().SetAsync(
                    new SetRequest { Key = $"{name}-{i}", ValueJson = $"{i}" },
                    deadline: DateTime.UtcNow.AddSeconds(10),
                    cancellationToken: CancellationToken.None);
                acknowledged.Add($"{name}-{i}");
            }
            catch (RpcException failed) when (failed.StatusCode
                is StatusCode.Unavailable or StatusCode.DeadlineExceeded)
            {
                await Task.Delay(20, CancellationToken.None);
            }
        }
    }

    // Until the node has noticed, a write may be under way: its outcome is unknown then.
    private static async Task FailsAsync(Func<Task> write)
    {
        StatusCode? last = null;
        await UntilAsync(async () =>
        {
            last = (await Record.ExceptionAsync(write) as RpcException)?.StatusCode;
            return last == StatusCode.Unavailable;
        });
        Assert.Equal(StatusCode.Unavailable, last);
    }

    private static async Task HaltsAsync(HostProcess node)
    {
        StatusReply? status = null;
        await UntilAsync(async () =>
        {
            try
            {
                status = await node.StatusAsync();
                return status.State == "halted";
            }
            catch (RpcException)
            {
                // Its ports are not open yet.
                return false;
            }
        });
        using HttpResponseMessage ready = await node.Http().GetAsync("/readyz");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        Assert.Contains("gone", status!.Reason);
    }

    private static Task UntilAsync(Func<bool> holds) => UntilAsync(() => Task.FromResult(holds()));

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!await holds())
        {
            await Task.Delay(50, deadline.Token);
        }
    }
}
