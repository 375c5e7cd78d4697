using System.Globalization;
using System.Text.RegularExpressions;
using Kv.Actors.Log.Amqp;
using Kv.Host.Tests.Amqp;
using Kv.Host.Tests.Hosting;
using Kv.Protos.V1;
using RabbitMQ.Client;

namespace Kv.Host.Tests.Cluster;

/// <summary>Stream mode: what covers the log, what must not be in it, and what nobody can read.</summary>
[Collection(SharedBroker.Name)]
public sealed partial class StreamRetentionTests(RabbitMqBroker broker)
{
    [Fact]
    public async Task An_entry_nobody_can_read_halts_all_nodes_and_those_that_skip_it_agree()
    {
        string exchange = $"poison-{Guid.NewGuid():n}";
        Dictionary<string, string>[] settings =
        [
            Cluster.Settings(broker, "stream", exchange, "n1"),
            Cluster.Settings(broker, "stream", exchange, "n2"),
        ];
        await using HostProcess one =
            await HostProcess.StartAsync(new HostStart { Environment = settings[0] });
        await using HostProcess other =
            await HostProcess.StartAsync(new HostStart { Environment = settings[1] });
        await SetAsync(one, "a");

        await PublishAsync(exchange, "KVLE and nothing that makes sense"u8.ToArray());
        string reason = await HaltAsync(one);
        await HaltAsync(other);
        string offset = OffsetNamed().Match(reason).Groups[1].Value;
        await Task.WhenAll(one.TerminateAsync(), other.TerminateAsync());
        foreach (Dictionary<string, string> setting in settings)
        {
            setting["KV_SKIP_OFFSET"] = offset;
        }
        await one.RestartAsync();
        await other.RestartAsync();
        await SetAsync(other, "b");

        await Eventually.HoldsAsync("both nodes are equal", async () =>
        {
            StatusReply[] both = [await one.StatusAsync(), await other.StatusAsync()];
            return both.All(status => status.State == "ready" && status.Keys == 2)
                && (both[0].AppliedOffset, both[0].Digest) == (both[1].AppliedOffset, both[1].Digest);
        });
        Assert.Equal(
            [long.Parse(offset, CultureInfo.InvariantCulture)], (await one.StatusAsync()).Log.SkippedOffsets);
    }

    [Fact]
    public async Task The_log_is_covered_when_a_majority_has_a_snapshot()
    {
        string exchange = $"covered-{Guid.NewGuid():n}";
        await using HostProcess one = await StartAsync(exchange, "n1");
        await WriteAsync(one);
        await Eventually.HoldsAsync(
            "n1 wrote a snapshot", () => Task.FromResult(one.Output.Contains("wrote the snapshot")));
        StatusReply byOne = await one.StatusAsync();
        await using HostProcess other = await StartAsync(exchange, "n2");

        await WriteAsync(other);

        await Eventually.HoldsAsync("the log is covered", async () =>
            (await one.StatusAsync()).Log.CoveredOffset > 0
            && (await other.StatusAsync()).Log.CoveredOffset > 0);
        Assert.Equal((3, -1), (byOne.Log.ClusterSize, byOne.Log.CoveredOffset));
    }

    [Fact]
    public async Task A_log_with_an_age_limit_refuses_the_node_by_exit_code_3()
    {
        string exchange = $"aged-{Guid.NewGuid():n}";
        AmqpOptions options = new() { Brokers = new([broker.Uri]), ExchangeName = exchange };
        await AtBrokerAsync(async channel =>
        {
            Dictionary<string, object?> arguments = AmqpTopology.StreamArguments(options);
            arguments["x-max-age"] = "7D";
            await channel.ExchangeDeclareAsync(exchange, ExchangeType.Fanout, durable: true);
            await channel.QueueDeclareAsync(options.StreamName, true, false, false, arguments);
        });
        Dictionary<string, string> settings = Cluster.Settings(broker, "stream", exchange, "n1");
        int port = FreePorts.Take(2);
        (settings["RPC_PORT"], settings["HTTP_PORT"]) = ($"{port}", $"{port + 1}");
        using var directory = new TemporaryDirectory();
        settings["KV_DATA_DIR"] = directory.Path;

        HostRun refused = await HostRun.ToEndAsync(settings);

        Assert.Equal(3, refused.ExitCode);
        Assert.Contains("age limit (x-max-age)", refused.Output + refused.Error);
    }

    private Task<HostProcess> StartAsync(string exchange, string nodeId)
    {
        Dictionary<string, string> settings = Cluster.Settings(broker, "stream", exchange, nodeId);
        settings["KV_SNAPSHOT_LOG_BYTES"] = "65536";
        settings["KV_CLUSTER_SIZE"] = "3";
        settings["LOG_LEVEL"] = "Information";
        return HostProcess.StartAsync(new HostStart { Environment = settings });
    }

    private static async Task WriteAsync(HostProcess node) => await Task.WhenAll(
        Enumerable.Range(0, 100).Select(i => node.Kv().SetAsync(
            new SetRequest { Key = $"k{i}", ValueJson = $"\"{new string('v', 1_000)}\"" },
            deadline: DateTime.UtcNow.AddSeconds(20)).ResponseAsync));

    private static async Task SetAsync(HostProcess node, string key) => await node.Kv().SetAsync(
        new SetRequest { Key = key, ValueJson = "1" }, deadline: DateTime.UtcNow.AddSeconds(20));

    private static async Task<string> HaltAsync(HostProcess node)
    {
        string reason = "";
        await Eventually.HoldsAsync("the node halts", async () =>
        {
            StatusReply status = await node.StatusAsync();
            reason = status.Reason;
            return status.State == "halted";
        });
        return reason;
    }

    private Task PublishAsync(string exchange, byte[] body) => AtBrokerAsync(async channel =>
        await channel.BasicPublishAsync(exchange, routingKey: "", mandatory: true, body));

    private async Task AtBrokerAsync(Func<IChannel, Task> work)
    {
        await using IConnection connection =
            await new ConnectionFactory { Uri = broker.Uri }.CreateConnectionAsync();
        await using IChannel channel = await connection.CreateChannelAsync(new CreateChannelOptions(
            publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true));
        await work(channel);
    }

    [GeneratedRegex("--skip-offset ([0-9]+)")]
    private static partial Regex OffsetNamed();
}
