using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Grpc.Core;
using Kv.Host.Tests.Amqp;
using Kv.Host.Tests.Hosting;
using Kv.Host.Tests.Wire;
using Kv.Protos.V1;

namespace Kv.Host.Tests.Recovery;

/// <summary>The log is lost under running nodes; then the instruction is followed to the letter.</summary>
[Collection(SharedBroker.Name)]
public sealed partial class StreamRecoveryTests(RabbitMqBroker broker) : IAsyncLifetime
{
    private const string Once =
        """{"key":"once","value":"first","request_id":"0b7a0c52-6f4d-4f0d-8a53-1f0e0c9c7d11"}""";

    private readonly string _exchange = $"recovery-{Guid.NewGuid():n}";
    private readonly ConcurrentDictionary<string, string> _acknowledged = [];
    private HostProcess[] _nodes = [];

    public async Task InitializeAsync() => _nodes = await Task.WhenAll(
        Enumerable.Range(1, 3).Select(
            i => HostProcess.StartAsync(new HostStart { Environment = Settings(i) })));

    public async Task DisposeAsync()
    {
        foreach (HostProcess node in _nodes)
        {
            await node.DisposeAsync();
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Following_the_instruction_brings_back_every_acknowledged_write(bool whileNodesAreKilled)
    {
        WireAnswer first = await SetOnceAsync(_nodes[0]);
        await (whileNodesAreKilled ? LoseTheLogOfKilledNodesAsync() : WriteUntilTheLogIsLostAsync());
        StatusReply[] halted = await Task.WhenAll(_nodes.Select(HaltedAsync));
        Assert.All(halted, static status => Assert.Contains("kv-host recover", status.Reason));

        // kv status on all; the node with the highest applied offset is stopped, and recovered.
        HostProcess chosen = _nodes[
            Array.IndexOf(halted, halted.MaxBy(static status => status.AppliedOffset))];
        await chosen.TerminateAsync();
        HostRun recovered = await RecoverAsync(chosen, "--peers", PeersBut(chosen));
        Assert.True(recovered.ExitCode == 0, recovered.Error + recovered.Output);
        string exchange = Named("exchange", recovered.Output);
        string clusterId = Named("cluster", recovered.Output);
        await chosen.RestartAsync(changes: new Dictionary<string, string> { ["EXCHANGE_NAME"] = exchange });
        HostProcess[] others = [.. _nodes.Where(node => node != chosen)];
        foreach (HostProcess other in others)
        {
            await other.TerminateAsync();
            HostRun joined = await RecoverAsync(other, "--join", clusterId);
            Assert.True(joined.ExitCode == 0, joined.Error);
            await other.RestartAsync(
                changes: new Dictionary<string, string> { ["EXCHANGE_NAME"] = exchange });
        }
        Dictionary<string, string> settings = Settings(4);
        settings["EXCHANGE_NAME"] = exchange;
        settings["KV_CLUSTER"] = "join";
        await using HostProcess added =
            await HostProcess.StartAsync(new HostStart { Environment = settings });

        WireAnswer again = await SetOnceAsync(added);
        Assert.Equal((first.Number("order"), first.Number("revision")),
            (again.Number("order"), again.Number("revision")));
        foreach (HostProcess node in (HostProcess[])[.. _nodes, added])
        {
            Assert.Equal(clusterId, (await node.StatusAsync()).ClusterId);
            Dictionary<string, string> state = await Cluster.Cluster.StateAsync(node);
            Assert.DoesNotContain(
                _acknowledged, write => state.GetValueOrDefault(write.Key) != write.Value);
        }
        Assert.True(_acknowledged.Count > 50);
    }

    [Fact]
    public async Task A_node_that_is_behind_is_not_recovered_from()
    {
        await _nodes[0].Kv().SetAsync(new SetRequest { Key = "a", ValueJson = "1" });
        await Task.WhenAll(_nodes.Select(node => AppliedAsync(node, 2)));
        await _nodes[2].TerminateAsync();
        await _nodes[0].Kv().SetAsync(new SetRequest { Key = "a", ValueJson = "2" });
        await broker.ControlAsync("delete_queue", $"{_exchange}.log");
        await Task.WhenAll(HaltedAsync(_nodes[0]), HaltedAsync(_nodes[1]));

        HostRun refused = await RecoverAsync(_nodes[2], "--peers", PeersBut(_nodes[2]));

        Assert.Equal(ExitCodes.Refused, refused.ExitCode);
        Assert.Contains("recover there", refused.Error);
        Assert.Empty(Directory.EnumerateDirectories(_nodes[2].DataDirectory, "before-recovery-*"));
    }

    [Fact]
    public async Task A_cluster_that_serves_is_not_recovered()
    {
        await _nodes[0].TerminateAsync();

        HostRun refused = await RecoverAsync(_nodes[0], "--peers", PeersBut(_nodes[0]));

        Assert.Equal(ExitCodes.Refused, refused.ExitCode);
        Assert.Contains("still serves", refused.Error);
    }

    [Fact]
    public async Task Without_a_majority_the_loss_has_to_be_accepted_by_name()
    {
        await _nodes[0].Kv().SetAsync(new SetRequest { Key = "a", ValueJson = "1" });
        foreach (HostProcess node in _nodes)
        {
            await node.TerminateAsync();
        }

        HostRun refused = await RecoverAsync(_nodes[0], "--peers", PeersBut(_nodes[0]));
        HostRun accepted = await RecoverAsync(_nodes[0], "--accept-loss");

        Assert.Equal((ExitCodes.Refused, ExitCodes.Ok), (refused.ExitCode, accepted.ExitCode));
        Assert.Contains("a majority is 2", refused.Error);
    }

    [Fact]
    public async Task A_directory_in_use_is_left_alone()
    {
        HostRun refused = await RecoverAsync(_nodes[0]);

        Assert.Equal(ExitCodes.Refused, refused.ExitCode);
        Assert.Contains("stop its node first", refused.Error);
    }

    private Dictionary<string, string> Settings(int node)
    {
        Dictionary<string, string> settings = Cluster.Cluster.Settings(
            broker, "stream", _exchange, $"n{node}");
        settings["KV_CLUSTER_SIZE"] = "3";
        return settings;
    }

    private string PeersBut(HostProcess node) =>
        string.Join(',', _nodes.Where(other => other != node).Select(other => $"http://{other.Target()}"));

    private static Task<HostRun> RecoverAsync(HostProcess node, params string[] options) =>
        HostRun.ToEndAsync([], ["recover", "--data-dir", node.DataDirectory, .. options]);

    private async Task WriteUntilTheLogIsLostAsync()
    {
        Task[] writers = [.. _nodes.Select((node, i) => WriteAsync(node, i))];
        await Eventually.HoldsAsync("there are writes", () => Task.FromResult(_acknowledged.Count > 50));
        await broker.ControlAsync("delete_queue", $"{_exchange}.log");
        await Task.WhenAll(writers);
    }

    private async Task LoseTheLogOfKilledNodesAsync()
    {
        using var killed = new CancellationTokenSource();
        Task[] writers = [.. _nodes.Select((node, i) => WriteAsync(node, i, killed.Token))];
        await Eventually.HoldsAsync("there are writes", () => Task.FromResult(_acknowledged.Count > 50));
        foreach (HostProcess node in _nodes)
        {
            node.Kill9();
        }
        await killed.CancelAsync();
        await Task.WhenAll(writers);
        await broker.ControlAsync("delete_queue", $"{_exchange}.log");
        await Task.WhenAll(_nodes.Select(static node => node.RestartAsync(waitUntilReady: false)));
    }

    // Until the node says that it has halted.
    private async Task WriteAsync(HostProcess node, int writer, CancellationToken stop = default)
    {
        for (int i = 0; !stop.IsCancellationRequested; i++)
        {
            try
            {
                await node.Kv().SetAsync(
                    new SetRequest { Key = $"w{writer}-{i}", ValueJson = $"{i}" },
                    deadline: DateTime.UtcNow.AddSeconds(10),
                    cancellationToken: CancellationToken.None);
                _acknowledged[$"w{writer}-{i}"] = $"{i}";
            }
            catch (RpcException failed) when (failed.StatusCode == StatusCode.DataLoss)
            {
                return;
            }
            catch (RpcException failed) when (failed.StatusCode
                is StatusCode.Unavailable or StatusCode.DeadlineExceeded)
            {
                await Task.Delay(20, CancellationToken.None);
            }
        }
    }

    private static async Task<WireAnswer> SetOnceAsync(HostProcess node)
    {
        using var wire = JsonWireClient.Start(node.Target());
        return await wire.CallAsync("Set", Once);
    }

    private static Task<StatusReply> HaltedAsync(HostProcess node) => Eventually.GetAsync(
        "the node has halted",
        async () => await node.StatusAsync() is { State: "halted" } status ? status : null);

    private static Task AppliedAsync(HostProcess node, long revision) => Eventually.HoldsAsync(
        $"revision {revision} is applied", async () => (await node.StatusAsync()).Revision >= revision);

    private static string Named(string group, string output) =>
        Instruction().Match(output).Groups[group].Value;

    [GeneratedRegex(@"new cluster (?<cluster>[0-9a-f]{16})\.[\s\S]*EXCHANGE_NAME=(?<exchange>\S+)")]
    private static partial Regex Instruction();
}
