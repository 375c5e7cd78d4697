using Grpc.Core;
using Kv.Host.Tests.Hosting;
using Kv.Protos.V1;

namespace Kv.Host.Tests.Embedded;

/// <summary>
/// Three nodes that got SIGTERM under load and were started again on the same ports at once.
/// </summary>
public sealed class ShutdownUnderLoadTests(ShutdownUnderLoadTests.Terminated terminated)
    : IClassFixture<ShutdownUnderLoadTests.Terminated>
{
    public sealed class Terminated : IAsyncLifetime
    {
        public HostProcess Host { get; private set; } = null!;

        public WriteLoad Load { get; private set; } = null!;

        public int ExitCode { get; private set; }

        public async Task InitializeAsync()
        {
            Host = await HostProcess.StartAsync(new HostStart { Nodes = 3 });
            Load = await WriteLoad.StartAsync(Host, nodes: 3, acknowledged: 200);
            ExitCode = await Host.TerminateAsync();
            // Fails when a call hangs.
            await Load.FailedAsync();
            await Host.RestartAsync();
        }

        public async Task DisposeAsync() => await Host.DisposeAsync();
    }

    [Fact]
    public void The_exit_code_is_0() => Assert.Equal(0, terminated.ExitCode);

    [Fact]
    public void Every_call_is_answered_or_unavailable() => Assert.All(
        terminated.Load.Failures,
        static status => Assert.Equal(StatusCode.Unavailable, status.StatusCode));

    [Fact]
    public async Task Every_acknowledged_write_is_there()
    {
        PrintReply printed = await terminated.Host.Kv(3).PrintAsync(new PrintRequest { Prefix = "load-" });

        HashSet<string> kept = [.. printed.Entries.Select(static entry => entry.Key)];
        Assert.Subset(kept, terminated.Load.Acknowledged.Keys.ToHashSet());
    }
}
