using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Kv.Host.Tests.Amqp;

/// <summary>
/// A private RabbitMQ node as a plain process. Its data lives in a temporary folder until it is disposed.
/// </summary>
public sealed class RabbitMqBroker : IAsyncLifetime
{
    private static readonly string Script =
        Path.Combine(AppContext.BaseDirectory, "tools", "rabbitmq-node.sh");

    private static int _lastPort = Random.Shared.Next(20_000, 29_000);

    private readonly string _directory = Directory.CreateTempSubdirectory("kv-broker-").FullName;
    private readonly int _port = NextFreePort();
    private readonly int _distributionPort = NextFreePort();
    private readonly int _epmdPort = NextFreePort();

    public Uri Uri => new($"amqp://guest:guest@127.0.0.1:{_port}/");

    public Task InitializeAsync() => StartAsync();

    /// <summary>Boots it, with the data it had before; returns when it listens.</summary>
    public Task StartAsync() => RunAsync("start");

    public Task StopAsync() => RunAsync("stop");

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        // RabbitMQ 3.10 saves the registration of its stream coordinator half a second late: a broker killed
        // before, with its first stream just made, never finds it again. These tests are not about that.
        await ControlAsync("eval", "[dets:sync(Table) || Table <- dets:all()].");
        await RunAsync("kill");
    }

    /// <summary>SIGSTOP: connections stay, answers do not come.</summary>
    public Task PauseAsync() => RunAsync("pause");

    public Task ResumeAsync() => RunAsync("resume");

    /// <summary>rabbitmqctl.</summary>
    public Task ControlAsync(params string[] arguments) => RunAsync(["ctl", .. arguments]);

    public Task DisposeAsync() => RunAsync("clean");

    private async Task RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(Script, arguments)
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            Environment =
            {
                ["BROKER_DIR"] = _directory,
                ["BROKER_PORT"] = $"{_port}",
                ["BROKER_DIST_PORT"] = $"{_distributionPort}",
                ["BROKER_EPMD_PORT"] = $"{_epmdPort}",
                ["BROKER_OWNER_PID"] = $"{Environment.ProcessId}",
            },
        };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        string errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException(
                $"rabbitmq-node.sh {string.Join(' ', arguments)}: {errors.Trim()} {await output}");
        }
    }

    // Below the range the kernel gives to outgoing connections, so that none is in the way later.
    private static int NextFreePort()
    {
        while (true)
        {
            int port = Interlocked.Increment(ref _lastPort);
            using var probe = new TcpListener(IPAddress.Loopback, port);
            try
            {
                probe.Start();
                return port;
            }
            catch (SocketException)
            {
                // Taken: try the next.
            }
        }
    }
}

/// <summary>
/// Tests that leave the broker as it is, apart from exchanges and queues with names of their own.
/// </summary>
[CollectionDefinition(Name)]
public sealed class SharedBroker : ICollectionFixture<RabbitMqBroker>
{
    public const string Name = "shared broker";
}

/// <summary>Tests that kill, pause or throttle the broker. Each leaves it running and unthrottled.</summary>
[CollectionDefinition(Name)]
public sealed class FaultyBroker : ICollectionFixture<RabbitMqBroker>
{
    public const string Name = "faulty broker";
}
