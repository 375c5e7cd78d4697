using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Kv.Cli.Calls;
using Kv.Protos.V1;

namespace Kv.Host.Tests.Cli;

/// <summary>What is kept between the calls of one conversation.</summary>
public sealed class TargetSetTests
{
    /// <summary>Long enough for a busy machine: no test here waits for it.</summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_node_that_comes_back_is_found_by_the_next_call()
    {
        FakeKvServer server = await FakeKvServer.StartAsync();
        var address = TargetAddress.Parse(server.Address);
        using var targets = new TargetSet([address], Timeout);
        Assert.NotNull((await AskStatusAsync(targets)).Reply);

        await server.DisposeAsync();
        // More than one failure, so that a back-off of the channel would have grown.
        for (int call = 0; call < 5; call++)
        {
            Assert.True(Assert.Single((await AskStatusAsync(targets)).Failures).MayTryNext);
        }

        server = await FakeKvServer.StartAsync("n1", address.Port);
        (StatusReply? reply, _) = await AskStatusAsync(targets);
        await server.DisposeAsync();

        Assert.NotNull(reply);
    }

    [Fact]
    public async Task A_write_that_waits_for_a_connection_was_never_sent()
    {
        // A listener that nobody accepts from and whose backlog is full lets connections wait.
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start(backlog: 0);
        using var first = new TcpClient();
        await first.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
        using var targets = new TargetSet(
            [TargetAddress.Parse($"{listener.LocalEndpoint}")], TimeSpan.FromSeconds(0.5));

        (SetReply? reply, IReadOnlyList<CallFailure> failures) = await targets.CallAsync(
            isWrite: true,
            (client, options) => client.SetAsync(new SetRequest { Key = "x", ValueJson = "1" }, options),
            CancellationToken.None);

        Assert.Null(reply);
        CallFailure failure = Assert.Single(failures);
        Assert.Equal(FailureKind.CannotConnect, failure.Kind);
        Assert.Equal("no answer within 0.5 s", failure.Detail);
    }

    [Fact]
    public async Task The_next_command_begins_with_the_node_that_answered()
    {
        await using FakeKvServer first = await FakeKvServer.StartAsync("n1");
        await using FakeKvServer second = await FakeKvServer.StartAsync("n2");
        first.Node.Answer(StatusCode.Unavailable, "starting");
        using var targets = new TargetSet(
            TargetAddress.ParseMany([first.Address, second.Address]), Timeout);

        for (int call = 0; call < 2; call++)
        {
            await targets.CallAsync(
                isWrite: true,
                (client, options) => client.DelAsync(new DelRequest { Key = "x" }, options),
                CancellationToken.None);
        }

        Assert.Equal(second.Address, targets.Current.ToString());
        Assert.Single(first.Node.Calls);
        Assert.Equal(2, second.Node.Calls.Count);
    }

    [Theory]
    [InlineData(StatusCode.OK)]
    [InlineData(StatusCode.InvalidArgument)]
    public async Task A_write_with_a_request_id_goes_on_where_its_outcome_was_lost(StatusCode then)
    {
        await using FakeKvServer first = await FakeKvServer.StartAsync("n1");
        await using FakeKvServer second = await FakeKvServer.StartAsync("n2");
        first.Node.BreakConnection();
        if (then != StatusCode.OK)
        {
            second.Node.Answer(then, "no");
        }

        using var targets = new TargetSet(
            TargetAddress.ParseMany([first.Address, second.Address]), Timeout);
        (_, IReadOnlyList<CallFailure> failures) = await targets.AskAsync(
            isWrite: true,
            async (channel, options) => await new KvService.KvServiceClient(channel).SetAsync(
                new SetRequest { Key = "x", ValueJson = "1" }, options),
            CancellationToken.None,
            isNamed: true);

        Assert.Single(first.Node.Calls);
        Assert.Single(second.Node.Calls);
        // The refusal of the other node does not say that the first one wrote nothing.
        Assert.Equal(FailureKind.OutcomeUnknown, failures[^1].Kind);
        Assert.Equal(then == StatusCode.OK ? 1 : 2, failures.Count);
    }

    private static Task<(StatusReply? Reply, IReadOnlyList<CallFailure> Failures)> AskStatusAsync(
        TargetSet targets) => targets.CallAsync(
            isWrite: false,
            (client, options) => client.StatusAsync(new StatusRequest(), options),
            CancellationToken.None);
}
