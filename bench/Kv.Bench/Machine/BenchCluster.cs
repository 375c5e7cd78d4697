using Kv.Testing.Brokers;
using Kv.Testing.Processes;

namespace Kv.Bench.Machine;

/// <summary>One broker and three nodes on this machine, all their own.</summary>
internal sealed class BenchCluster : IAsyncDisposable
{
    private static readonly string[] Names = ["n1", "n2", "n3"];

    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);

    private readonly TemporaryDirectory _directory = new();
    private readonly RabbitMqNode _broker = new();

    private BenchCluster(IReadOnlyDictionary<string, string> settings)
    {
        var all = new Dictionary<string, string>(settings)
        {
            ["AMQP_URL"] = _broker.Uri.ToString(),
            ["KV_CLUSTER_SIZE"] = "3",
            ["LOG_LEVEL"] = "Warning",
        };
        Nodes = [.. Names.Select(name => new BenchNode(name, _directory.Path, all))];
    }

    public IReadOnlyList<BenchNode> Nodes { get; }

    public static async Task<BenchCluster> StartAsync(IReadOnlyDictionary<string, string> settings)
    {
        var cluster = new BenchCluster(settings);
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
