using Grpc.Core;
using Grpc.Health.V1;
using Kv.Host.Tests.Hosting;
using Kv.Protos.V1;

namespace Kv.Host.Tests.Embedded;

public sealed class ShutdownTests
{
    [Fact]
    public async Task Writes_in_the_log_when_SIGTERM_comes_are_waited_for()
    {
        await using HostProcess host = await HostProcess.StartAsync(new HostStart { Nodes = 3 });
        await host.Kv().GetAsync(new GetRequest { Key = "connected" });
        using LogGate gate = LogGate.Close(host);
        Task<SetReply>[] sets = [.. Enumerable.Range(0, 20).Select(i => SetAsync(host, $"{i}"))];
        // Answered on the same connection behind the writes: those have arrived.
        await host.StatusAsync();

        Task<int> exit = host.TerminateAsync();
        await Eventually.HoldsAsync("new connections are refused", () => IsRefusedAsync(host));
        gate.Open();

        SetReply[] replies = await Task.WhenAll(sets);
        Assert.Equal(20, replies.Select(static reply => reply.Order).Distinct().Count());
        Assert.Equal(0, await exit);
    }

    [Fact]
    public async Task A_client_that_watches_the_health_does_not_hold_up_the_end()
    {
        await using HostProcess host = await HostProcess.StartAsync();
        using AsyncServerStreamingCall<HealthCheckResponse> watch =
            new Health.HealthClient(host.Channel()).Watch(new HealthCheckRequest());
        await watch.ResponseStream.MoveNext(CancellationToken.None);

        int exitCode = await host.TerminateAsync().WaitAsync(TimeSpan.FromSeconds(15));

        Assert.Equal(0, exitCode);
    }

    private static async Task<SetReply> SetAsync(HostProcess host, string key) => await host.Kv().SetAsync(
        new SetRequest { Key = key, ValueJson = "1" }, deadline: DateTime.UtcNow.AddSeconds(30));

    private static async Task<bool> IsRefusedAsync(HostProcess host)
    {
        try
        {
            await host.Http().GetAsync("/healthz");
            return false;
        }
        catch (HttpRequestException)
        {
            return true;
        }
    }
}
