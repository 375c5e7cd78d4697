using System.Diagnostics;
using Kv.Testing.Processes;

namespace Kv.Testing.Brokers;

/// <summary>Where a <see cref="RabbitMqNode"/> runs and how it is set up.</summary>
public sealed record RabbitMqPlace
{
    /// <summary>The part of its name before the @.</summary>
    public string Name { get; init; } = "rabbit";

    /// <summary>
    /// The part of its name behind the @, by which the others of its cluster find it; null: localhost, where
    /// nobody else does.
    /// </summary>
    public string? Host { get; init; }

    /// <summary>Where clients find it.</summary>
    public string Address { get; init; } = "127.0.0.1";

    /// <summary>What its commands are run by, such as "ip netns exec NAME"; empty: nothing.</summary>
    public IReadOnlyList<string> Wrapper { get; init; } = [];

    /// <summary>Lines for rabbitmq.conf.</summary>
    public string Config { get; init; } = "";

    /// <summary>0: one of its own. Nodes that form a cluster on one host share it.</summary>
    public int EpmdPort { get; init; }
}

/// <summary>
/// A private RabbitMQ node as a plain process. Its data lives in a temporary folder until it is cleaned.
/// </summary>
public class RabbitMqNode(RabbitMqPlace place)
{
    private static readonly string Script =
        Path.Combine(SourceTree.Root, "tests", "tools", "rabbitmq-node.sh");

    private readonly string _directory = Directory.CreateTempSubdirectory("kv-broker-").FullName;
    private readonly int _port = FreePorts.Take(1);
    private readonly int _distributionPort = FreePorts.Take(1);
    private readonly int _epmdPort = place.EpmdPort == 0 ? FreePorts.Take(1) : place.EpmdPort;

    public RabbitMqNode()
        : this(new RabbitMqPlace())
    {
    }

    public string Name => $"{place.Name}@{place.Host ?? "localhost"}";

    public Uri Uri => new($"amqp://guest:guest@{place.Address}:{_port}/");

    /// <summary>Boots it, with the data it had before; returns when it listens.</summary>
    public Task StartAsync() => RunAsync("start");

    public Task StopAsync() => RunAsync("stop");

    /// <summary>kill -9.</summary>
    /// <param name="settles">
    /// False: at once. RabbitMQ 3.10 saves the registration of its stream coordinator half a second late: a
    /// broker killed before, with its first stream just made, never finds it again.
    /// </param>
    public async Task KillAsync(bool settles = true)
    {
        if (settles) { await SettleAsync(); }
        await RunAsync("kill");
    }

    /// <summary>Returns when all it knows is written to its files.</summary>
    public Task SettleAsync() => ControlAsync("eval", "[dets:sync(Table) || Table <- dets:all()].");

    /// <summary>SIGSTOP: connections stay, answers do not come.</summary>
    public Task PauseAsync() => RunAsync("pause");

    public Task ResumeAsync() => RunAsync("resume");

    /// <summary>rabbitmqctl.</summary>
    /// <returns>What it printed.</returns>
    public Task<string> ControlAsync(params string[] arguments) => RunAsync(["ctl", .. arguments]);

    /// <summary>Kills it and deletes its data.</summary>
    public Task CleanAsync() => RunAsync("clean");

    private async Task<string> RunAsync(params string[] arguments)
    {
        string[] command = [.. place.Wrapper, Script, .. arguments];
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            Environment =
            {
                ["BROKER_DIR"] = _directory,
                ["BROKER_NAME"] = place.Name,
                ["BROKER_HOST"] = place.Host ?? "",
                ["BROKER_CONFIG"] = place.Config,
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
                $"rabbitmq-node.sh {string.Join(' ', arguments)} for {Name}: {errors.Trim()} {await output}");
        }
        return await output;
    }
}
