using Kv.Host.Tests.Amqp;
using Kv.Host.Tests.Cli;
using Kv.Host.Tests.Hosting;
using Kv.Host.Tests.Wire;
using Kv.Protos.V1;

namespace Kv.Host.Tests.Snapshots;

/// <summary>Data moves between clusters and modes by kv snapshot save and restore.</summary>
[Collection(SharedBroker.Name)]
public sealed class RestoreTests(RabbitMqBroker broker) : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private string File => Path.Combine(_directory.Path, "saved.kvsnap");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task State_of_a_stream_cluster_goes_on_in_embedded_mode_with_its_request_ids()
    {
        await using HostProcess stream = await HostProcess.StartAsync(Stream($"restore-{Guid.NewGuid():n}"));
        (WireAnswer first, StatusReply before) = await WriteAndSaveAsync(stream);

        await using HostProcess embedded = await HostProcess.StartAsync(
            new HostStart { Nodes = 2, Seed = RestoreAsync });

        await GoesOnAsync(embedded, first, before, node: 2);
    }

    [Fact]
    public async Task State_of_an_embedded_node_goes_on_in_a_stream_cluster_that_others_join()
    {
        await using HostProcess embedded = await HostProcess.StartAsync();
        (WireAnswer first, StatusReply before) = await WriteAndSaveAsync(embedded);
        string exchange = $"restore-{Guid.NewGuid():n}";
        await using HostProcess restored = await HostProcess.StartAsync(
            Stream(exchange) with { Seed = RestoreAsync });

        await using HostProcess joins = await HostProcess.StartAsync(
            Joining(exchange, $"http://{restored.Target()}"));

        await GoesOnAsync(joins, first, before);
        await Eventually.HoldsAsync("both nodes are equal", async () =>
        {
            StatusReply one = await restored.StatusAsync();
            StatusReply other = await joins.StatusAsync();
            return (one.AppliedOffset, one.Digest, one.Revision, one.Order, one.Keys)
                == (other.AppliedOffset, other.Digest, other.Revision, other.Order, other.Keys);
        });
    }

    [Fact]
    public async Task A_restored_node_comes_back_after_kill_9_before_its_first_snapshot()
    {
        await using HostProcess embedded = await HostProcess.StartAsync();
        await WriteAndSaveAsync(embedded);
        await using HostProcess restored = await HostProcess.StartAsync(
            Stream($"restore-{Guid.NewGuid():n}") with { Seed = RestoreAsync });
        await restored.Kv().SetAsync(new SetRequest { Key = "new", ValueJson = "1" });
        StatusReply before = await restored.StatusAsync();

        restored.Kill9();
        await restored.RestartAsync();

        StatusReply after = await restored.StatusAsync();
        Assert.Equal((before.ClusterId, before.Revision, before.Order),
            (after.ClusterId, after.Revision, after.Order));
    }

    [Fact]
    public async Task A_restored_node_halts_at_the_stream_of_another_cluster()
    {
        string exchange = $"restore-{Guid.NewGuid():n}";
        await using HostProcess old = await HostProcess.StartAsync(Stream(exchange));
        await WriteAndSaveAsync(old);

        await using HostProcess restored = await HostProcess.StartAsync(
            Stream(exchange, "n2") with { Seed = RestoreAsync, WaitsUntilReady = false });

        StatusReply halted = await HaltedAsync(restored);
        Assert.Contains("holds the base of cluster", halted.Reason);
        await old.Kv().SetAsync(new SetRequest { Key = "old", ValueJson = "1" });
    }

    [Fact]
    public async Task A_node_without_the_base_waits_for_a_peer_that_has_it()
    {
        await using HostProcess embedded = await HostProcess.StartAsync();
        await WriteAndSaveAsync(embedded);
        string exchange = $"restore-{Guid.NewGuid():n}";
        await using HostProcess restored = await HostProcess.StartAsync(
            Stream(exchange) with { Seed = RestoreAsync });
        await restored.Kv().SetAsync(new SetRequest { Key = "new", ValueJson = "1" });
        restored.Kill9();

        await using HostProcess empty = await HostProcess.StartAsync(
            Joining(exchange, peers: "") with { WaitsUntilReady = false });
        await Eventually.HoldsAsync("it says what it waits for", async () =>
            (await empty.StatusAsync()).Reason.Contains("goes on from a base", StringComparison.Ordinal));
        await restored.RestartAsync();
        await empty.ReadyAsync();

        Assert.Equal((await restored.StatusAsync()).Keys, (await empty.StatusAsync()).Keys);
    }

    [Theory]
    [InlineData("embedded")]
    [InlineData("stream")]
    public async Task Nothing_is_founded_on_a_damaged_base(string mode)
    {
        await using HostProcess embedded = await HostProcess.StartAsync();
        await WriteAndSaveAsync(embedded);
        string data = Path.Combine(_directory.Path, "data");
        await RestoreAsync(data);
        string file = Path.Combine(data, "snapshots", "snapshot-base.kvsnap");
        byte[] bytes = await System.IO.File.ReadAllBytesAsync(file);
        bytes[bytes.Length / 2] ^= 1;
        await System.IO.File.WriteAllBytesAsync(file, bytes);
        int ports = FreePorts.Take(2);
        Dictionary<string, string> settings = new()
        {
            ["RPC_PORT"] = $"{ports}",
            ["HTTP_PORT"] = $"{ports + 1}",
            ["KV_DATA_DIR"] = data,
        };
        if (mode == "stream")
        {
            settings["AMQP_URL"] = broker.Uri.ToString();
            settings["EXCHANGE_NAME"] = $"restore-{Guid.NewGuid():n}";
        }

        HostRun run = await HostRun.ToEndAsync(settings);

        Assert.Equal(ExitCodes.Refused, run.ExitCode);
        Assert.Contains("cannot be used", run.Output);
        Assert.True(System.IO.File.Exists(file));
    }

    private HostStart Stream(string exchange, string nodeId = "n1") =>
        new() { Environment = Cluster.Cluster.Settings(broker, "stream", exchange, nodeId) };

    private HostStart Joining(string exchange, string peers)
    {
        Dictionary<string, string> settings = Cluster.Cluster.Settings(broker, "stream", exchange, "n2");
        settings["KV_CLUSTER"] = "join";
        settings["KV_PEERS"] = peers;
        return new HostStart { Environment = settings };
    }

    private async Task RestoreAsync(string data)
    {
        KvRun run = await KvProcess.RunAsync("snapshot", "restore", File, "--data-dir", data);
        Assert.Equal((0, ""), (run.ExitCode, run.Errors));
    }

    private async Task<(WireAnswer First, StatusReply Before)> WriteAndSaveAsync(HostProcess host)
    {
        await host.Kv().SetAsync(new SetRequest { Key = "a", ValueJson = "1" });
        using var wire = JsonWireClient.Start(host.Target());
        WireAnswer first = await wire.CallAsync("Set", Again);
        await host.Kv().SetAsync(new SetRequest { Key = "once", ValueJson = "\"overwritten\"" });
        KvRun run = await KvProcess.RunAsync("--target", host.Target(), "snapshot", "save", File);
        Assert.Equal((0, ""), (run.ExitCode, run.Errors));
        return (first, await host.StatusAsync());
    }

    private const string Again =
        """{"key":"once","value":"first","request_id":"6f8a7f7e-5d0e-4f6e-9a53-0d3c6a1f1c11"}""";

    private static async Task GoesOnAsync(
        HostProcess host, WireAnswer first, StatusReply before, int node = 1)
    {
        StatusReply status = await host.StatusAsync(node);
        Assert.NotEqual(before.ClusterId, status.ClusterId);
        Assert.Equal((before.Revision, before.Order, before.Keys),
            (status.Revision, status.Order, status.Keys));
        using var wire = JsonWireClient.Start(host.Target(node));
        WireAnswer again = await wire.CallAsync("Set", Again);
        Assert.Equal((first.Number("order"), first.Number("revision")),
            (again.Number("order"), again.Number("revision")));
        SetReply next = await host.Kv(node).SetAsync(new SetRequest { Key = "b", ValueJson = "2" });
        Assert.Equal((before.Revision + 1, before.Order + 1), (next.Revision, next.Order));
        GetReply once = await host.Kv(node).GetAsync(new GetRequest { Key = "once" });
        Assert.Equal("\"overwritten\"", once.ValueJson);
    }

    private static Task<StatusReply> HaltedAsync(HostProcess host) => Eventually.GetAsync(
        "the node has halted",
        async () => await host.StatusAsync() is { State: "halted" } status ? status : null);
}
