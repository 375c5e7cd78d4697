using System.Net;
using Grpc.Core;
using Kv.Actors.Log;
using Kv.Actors.Log.Amqp;
using Kv.Host.Tests.Amqp;
using Kv.Host.Tests.Hosting;
using Kv.Protos.Internal.V1;
using Kv.Protos.V1;

namespace Kv.Host.Tests.Cluster;

/// <summary>Nodes of stream mode and who else is there.</summary>
[Collection(SharedBroker.Name)]
public sealed class MembershipTests(RabbitMqBroker broker)
{
    private readonly string _exchange = $"members-{Guid.NewGuid():n}";

    [Fact]
    public async Task A_second_node_with_the_same_id_is_refused_and_told_where_the_first_is()
    {
        await using HostProcess first = await HostProcess.StartAsync(Start("n1"));

        HostRun refused = await RunToEndAsync("stream", "n1");

        Assert.Equal(ExitCodes.Refused, refused.ExitCode);
        Assert.Contains($":{first.RpcPort}", refused.Error + refused.Output);
        Assert.Equal("ready", (await first.StatusAsync()).State);
    }

    [Fact]
    public async Task A_killed_node_takes_its_own_place_at_once()
    {
        await using HostProcess node = await HostProcess.StartAsync(Start("n1"));
        await node.Kv().SetAsync(new SetRequest { Key = "a", ValueJson = "1" });

        node.Kill9();
        await node.RestartAsync();

        Assert.Equal("1", (await node.Kv().GetAsync(new GetRequest { Key = "a" })).ValueJson);
    }

    [Fact]
    public async Task Members_are_shown_by_status_and_print_with_what_they_have_applied()
    {
        await using HostProcess first = await HostProcess.StartAsync(Start("n1"));
        await using HostProcess second = await HostProcess.StartAsync(Start("n2"));
        await first.Kv().SetAsync(new SetRequest { Key = "a", ValueJson = "1" });

        StatusReply status = await Eventually.GetAsync("n2 has heard of n1's write", async () =>
            await second.StatusAsync() is { Members: [{ Node: "n1", State: "ready", Revision: 2 }] } heard
                ? heard
                : null);
        PrintReply print = await second.Kv().PrintAsync(new PrintRequest { WithStatus = true });

        Member member = Assert.Single(status.Members);
        Assert.EndsWith($":{first.RpcPort}", member.Url);
        Assert.Equal((status.ClusterId, "stream"), (member.ClusterId, member.Mode));
        Assert.Equal(0, status.Lag);
        Assert.Equal("n1", Assert.Single(print.Status.Members).Node);
    }

    [Fact]
    public async Task Where_the_log_is_gone_all_halt_and_export_and_an_empty_node_founds_nothing()
    {
        await using HostProcess first = await HostProcess.StartAsync(Start("n1"));
        await using HostProcess second = await HostProcess.StartAsync(Start("n2"));
        await first.Kv().SetAsync(new SetRequest { Key = "a", ValueJson = "1" });
        await Eventually.HoldsAsync(
            "n2 has it", async () => (await second.StatusAsync()).Revision == 2);
        await second.TerminateAsync();

        await broker.ControlAsync("delete_queue", $"{_exchange}.log");
        await second.RestartAsync(waitUntilReady: false);
        StatusReply[] halted = [await HaltedAsync(first), await HaltedAsync(second)];
        await using HostProcess empty = await HostProcess.StartAsync(
            Start("n3") with { WaitsUntilReady = false });
        StatusReply waiting = await Eventually.GetAsync("the empty node says why it waits", async () =>
            await empty.StatusAsync() is { State: "starting" } status
                && status.Reason.Contains("founds") ? status : null);

        Assert.Contains(halted[0].ClusterId, waiting.Reason);
        Assert.Equal(halted[0].ClusterId, halted[1].ClusterId);
        Assert.Equal(halted[0].Revision, halted[1].Revision);
        foreach (HostProcess node in (HostProcess[])[first, second])
        {
            Assert.Equal(halted[0].AppliedOffset, (await HeadingAsync(node)).Offset);
            using HttpResponseMessage ready = await node.Http().GetAsync("/readyz");
            Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
            Assert.Contains("The log is gone", await ready.Content.ReadAsStringAsync());
            var refused = await Assert.ThrowsAsync<RpcException>(async () =>
                await node.Kv().SetAsync(new SetRequest { Key = "a", ValueJson = "2" }));
            Assert.Equal(StatusCode.DataLoss, refused.StatusCode);
        }
        await Assert.ThrowsAsync<LogMissingException>(() => AmqpStreamLog.OpenAsync(
            new AmqpOptions { Brokers = new BrokerList([broker.Uri]), ExchangeName = _exchange }.Validate(),
            LogDeclaration.MustExist,
            observer: null,
            CancellationToken.None));
    }

    [Fact]
    public async Task A_node_of_queue_mode_is_refused_on_the_exchange_of_stream_mode()
    {
        await using HostProcess first = await HostProcess.StartAsync(Start("n1"));

        HostRun refused = await RunToEndAsync("queue", "n2");

        Assert.Equal(ExitCodes.Refused, refused.ExitCode);
        Assert.Contains("in mode stream", refused.Error + refused.Output);
    }

    private HostStart Start(string nodeId) =>
        new() { Environment = Cluster.Settings(broker, "stream", _exchange, nodeId) };

    private Task<HostRun> RunToEndAsync(string mode, string nodeId)
    {
        Dictionary<string, string> settings = Cluster.Settings(broker, mode, _exchange, nodeId);
        settings["RPC_PORT"] = $"{FreePorts.Take(1)}";
        settings["HTTP_PORT"] = "0";
        return HostRun.ToEndAsync(settings);
    }

    private static Task<StatusReply> HaltedAsync(HostProcess node) => Eventually.GetAsync(
        "the node has halted",
        async () => await node.StatusAsync() is { State: "halted" } status ? status : null);

    private static async Task<SnapshotHeading> HeadingAsync(HostProcess node)
    {
        var snapshots = new SnapshotService.SnapshotServiceClient(node.Channel());
        using AsyncServerStreamingCall<SnapshotChunk> call = snapshots.Export(
            new ExportRequest { HaltedToo = true });
        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));
        return call.ResponseStream.Current.Heading;
    }
}
