using System.Diagnostics;
using Grpc.Core;
using Grpc.Net.Client;
using Kv.Core;
using Kv.Host.Tests.Hosting;
using Kv.Protos.V1;

namespace Kv.Host.Tests.Embedded;

/// <summary>A log that takes nothing for a while.</summary>
public sealed class SlowLogTests
{
    /// <summary>Writes of <see cref="LargeValue"/> that 16 MiB hold.</summary>
    private const int WritesThatFit = 11;

    private static readonly string LargeValue = $"\"{new string('v', 1_500_000)}\"";

    [Fact]
    public async Task A_node_is_ready_as_soon_as_the_log_takes_its_registration()
    {
        await using HostProcess host = await HostProcess.StartAsync();
        await host.TerminateAsync();
        using LogGate gate = LogGate.Close(host);
        await host.RestartAsync(waitUntilReady: false);

        gate.Open();

        await host.ReadyAsync();
    }

    [Fact]
    public async Task A_write_whose_deadline_ends_in_the_log_is_applied_later()
    {
        await using HostProcess host = await HostProcess.StartAsync();
        await host.Kv().GetAsync(new GetRequest { Key = "connected" });
        using LogGate gate = LogGate.Close(host);
        RpcException late = await Assert.ThrowsAsync<RpcException>(async () => await host.Kv().SetAsync(
            new SetRequest { Key = "a", ValueJson = "1" }, deadline: DateTime.UtcNow.AddSeconds(2)));

        gate.Open();

        GetReply got = await host.Kv().GetAsync(new GetRequest { Key = "a" });
        Assert.Equal((StatusCode.DeadlineExceeded, "1"), (late.StatusCode, got.ValueJson));
    }

    [Fact]
    public async Task A_node_with_too_many_bytes_under_way_refuses_more()
    {
        await using HostProcess host = await HostProcess.StartAsync();
        using LogGate gate = LogGate.Close(host);

        Task<Status>[] writes = Writes(host, WritesThatFit + 1, deadlineMs: 20_000);

        Status refused = await await Task.WhenAny(writes);
        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
        Assert.Contains("it takes 4096 (16777216 bytes)", refused.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_with_too_many_calls_under_way_refuses_more_slowly_and_answers_for_itself()
    {
        await using HostProcess host = await HostProcess.StartAsync();
        using LogGate gate = LogGate.Close(host);
        // A connection carries a hundred calls.
        using GrpcChannel channel = GrpcChannel.ForAddress($"http://{host.Target()}", new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler { EnableMultipleHttp2Connections = true },
        });
        var kv = new KvService.KvServiceClient(channel);
        long began = Stopwatch.GetTimestamp();

        Task<Status>[] writes =
        [
            .. Enumerable.Range(0, 2_100).Select(i => StatusOfAsync(kv.SetAsync(
                new SetRequest { Key = $"{i}", ValueJson = "1" },
                deadline: DateTime.UtcNow.AddSeconds(20)))),
        ];

        Status refused = await await Task.WhenAny(writes);
        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
        Assert.Contains(
            "more calls under way than it gets done in time", refused.Detail, StringComparison.Ordinal);
        // Whoever is refused and comes again at once must not keep the node from its work.
        Assert.True(Stopwatch.GetElapsedTime(began).TotalMilliseconds >= KvLimits.RefusalDelayMs - 50);
        Assert.Equal("ready", (await host.StatusAsync()).State);
        gate.Open();
        Status[] ends = await Task.WhenAll(writes);
        Assert.True(ends.Count(static end => end.StatusCode == StatusCode.OK) >= 2_048);
    }

    private static async Task<Status> StatusOfAsync(AsyncUnaryCall<SetReply> write)
    {
        try
        {
            await write;
            return Status.DefaultSuccess;
        }
        catch (RpcException failed)
        {
            return failed.Status;
        }
    }

    [Fact]
    public async Task Commands_that_nobody_waits_for_any_more_count_until_they_are_let_go()
    {
        await using HostProcess host = await HostProcess.StartAsync();
        using LogGate gate = LogGate.Close(host);

        bool isRefused = await IsRefusedAfterMuchGivenUpAsync(host);
        gate.Open();

        Assert.True(isRefused);
        await Eventually.HoldsAsync(
            "there is room", async () => (await WriteAsync(host, 20_000)).StatusCode == StatusCode.OK);
    }

    /// <summary>
    /// Writes and gives up by deadline, never as much at once as would be refused, until it is refused or was
    /// more than ten times as much.
    /// </summary>
    private static async Task<bool> IsRefusedAfterMuchGivenUpAsync(HostProcess host)
    {
        bool isRefused = false;
        for (int round = 0; round < 14 && !isRefused; round++)
        {
            Status[] ends = await Task.WhenAll(Writes(host, WritesThatFit * 3 / 4, deadlineMs: 2_000));
            isRefused = ends.Any(static end => end.StatusCode == StatusCode.ResourceExhausted);
        }
        return isRefused;
    }

    private static Task<Status>[] Writes(HostProcess host, int count, int deadlineMs) =>
        [.. Enumerable.Range(0, count).Select(_ => WriteAsync(host, deadlineMs))];

    private static async Task<Status> WriteAsync(HostProcess host, int deadlineMs)
    {
        try
        {
            await host.Kv().SetAsync(
                new SetRequest { Key = "large", ValueJson = LargeValue },
                deadline: DateTime.UtcNow.AddMilliseconds(deadlineMs));
            return Status.DefaultSuccess;
        }
        catch (RpcException failure)
        {
            return failure.Status;
        }
    }
}
