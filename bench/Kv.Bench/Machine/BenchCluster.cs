using Kv.Testing.Brokers;
using Kv.Testing.Processes;

namespace Kv.Bench.Machine;

/// <summary>One broker and three nodes on this machine, all their own.</summary>
internal sealed class BenchCluster : IAsyncDisposable
{
    private static readonly string[] Names = ["n1", "n2", "n3"];

    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);

    private readonly TemporaryDirectory _directory = new();
    private readonly RabbitMqNode _broker;

    private BenchCluster(IReadOnlyDictionary<string, string> settings, IReadOnlyList<string> wrapper)
    {
        _broker = new RabbitMqNode(new RabbitMqPlace { Wrapper = wrapper });
        var all = new Dictionary<string, string>(settings)
        {
            ["AMQP_URL"] = _broker.Uri.ToString(),
            ["KV_CLUSTER_SIZE"] = "3",
            ["LOG_LEVEL"] = "Warning",
        };
        Nodes = [.. Names.Select(name => new BenchNode(name, _directory.Path, all, wrapper))];
    }

    public IReadOnlyList<BenchNode> Nodes { get; }

    /// <param name="wrapper">Runs broker and nodes, such as "taskset -c 0"; empty: nothing.</param>
    public static async Task<BenchCluster> StartAsync(
        IReadOnlyDictionary<string, string> settings, params IReadOnlyList<string> wrapper)
    {
        var cluster = new BenchCluster(settings, wrapper);
        try
        {
            await cluster._broker.StartAsync();
            await cluster.StartNodesAsync();
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
        return cluster;
    }

    /// <summary>Starts all nodes; returns when all are ready.</summary>
    public async Task StartNodesAsync()
    {
        foreach (BenchNode node in Nodes)
        {
            node.Start();
        }
        await Task.WhenAll(Nodes.Select(static node => node.ReadyAsync(StartPatience)));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (BenchNode node in Nodes)
        {
            await node.DisposeAsync();
        }
        await _broker.CleanAsync();
        _directory.Dispose();
    }
}
