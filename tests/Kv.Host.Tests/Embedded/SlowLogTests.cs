using Grpc.Core;
using Kv.Host.Tests.Hosting;
using Kv.Protos.V1;

namespace Kv.Host.Tests.Embedded;

/// <summary>A log that takes nothing for a while.</summary>
public sealed class SlowLogTests
{
    /// <summary>Writes of <see cref="LargeValue"/> that 64 MiB hold.</summary>
    private const int WritesThatFit = 44;

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
        Assert.Contains("it takes 16384 (67108864 bytes)", refused.Detail, StringComparison.Ordinal);
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
