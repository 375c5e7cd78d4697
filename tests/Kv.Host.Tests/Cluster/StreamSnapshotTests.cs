using Kv.Host.Tests.Amqp;
using Kv.Host.Tests.Hosting;
using Kv.Protos.V1;

namespace Kv.Host.Tests.Cluster;

/// <summary>Stream mode: a node goes on from its snapshot and the log's tail.</summary>
[Collection(SharedBroker.Name)]
public sealed class StreamSnapshotTests(RabbitMqBroker broker)
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_node_starts_from_its_snapshot_and_equals_the_one_that_stayed(bool isKilled)
    {
        string exchange = $"snapshot-{Guid.NewGuid():n}";
        await using HostProcess stays = await StartAsync(exchange, "n1");
        await using HostProcess restarts = await StartAsync(exchange, "n2");
        await WriteAsync(stays, round: 1);
        await Eventually.HoldsAsync(
            "a snapshot is written", () => Task.FromResult(restarts.Output.Contains("wrote the snapshot")));

        if (isKilled)
        {
            restarts.Kill9();
        }
        else
        {
            await restarts.TerminateAsync();
        }
        await WriteAsync(stays, round: 2);
        await restarts.RestartAsync();
        await WriteAsync(restarts, round: 3);

        Assert.Contains("starts from the snapshot", restarts.Output);
        await Eventually.HoldsAsync("both nodes are equal", async () =>
        {
            StatusReply one = await stays.StatusAsync();
            StatusReply other = await restarts.StatusAsync();
            return one.AppliedOffset == other.AppliedOffset
                && (one.Digest, one.Revision, one.Order, one.Keys)
                    == (other.Digest, other.Revision, other.Order, other.Keys);
        });
        Assert.Equal(await Cluster.StateAsync(stays), await Cluster.StateAsync(restarts));
    }

    private Task<HostProcess> StartAsync(string exchange, string nodeId)
    {
        Dictionary<string, string> settings = Cluster.Settings(broker, "stream", exchange, nodeId);
        settings["KV_SNAPSHOT_LOG_BYTES"] = "65536";
        settings["LOG_LEVEL"] = "Information";
        return HostProcess.StartAsync(new HostStart { Environment = settings });
    }

    private static async Task WriteAsync(HostProcess node, int round)
    {
        string value = $"\"{new string('v', 1_000)}\"";
        await Task.WhenAll(Enumerable.Range(0, 200).Select(i => node.Kv().SetAsync(
            new SetRequest { Key = $"k{round}-{i % 150}", ValueJson = value },
            deadline: DateTime.UtcNow.AddSeconds(20)).ResponseAsync));
    }
}
