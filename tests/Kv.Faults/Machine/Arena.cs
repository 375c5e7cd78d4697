using Kv.Testing.Processes;

namespace Kv.Faults.Machine;

/// <summary>Three nodes on one or three brokers, and what can be broken about them.</summary>
internal sealed class Arena : IAsyncDisposable
{
    private const int ReadyTimeoutMs = 90_000;
    private const int PollMs = 100;

    private readonly TemporaryDirectory _directory;
    private readonly List<NodeProcess> _nodes = [];

    private Arena(TemporaryDirectory directory, Network network, BrokerCluster brokers)
    {
        _directory = directory;
        Network = network;
        Brokers = brokers;
    }

    public Network Network { get; }

    public BrokerCluster Brokers { get; }

    public IReadOnlyList<NodeProcess> Nodes => _nodes;

    /// <summary>That of the last node's snapshots; null: it has none of its own.</summary>
    public SnapshotDisk? Disk { get; private set; }

    /// <summary>Boots everything; returns when all nodes are ready.</summary>
    public static async Task<Arena> StartAsync(RunOptions options)
    {
        string[] nodes = ["n1", "n2", "n3"];
        string[] brokers = [.. Enumerable.Range(1, options.Brokers).Select(static i => $"b{i}")];
        Network network = await Network.CreateAsync([.. nodes, .. brokers], options.Cuts);
        var arena = new Arena(
            new TemporaryDirectory(), network, await BrokerCluster.StartAsync(brokers, network));
        try
        {
            await arena.StartNodesAsync(nodes, options);
            // A broker killed right after it made its first stream would lose it.
            await Task.WhenAll(arena.Brokers.Nodes.Select(static broker => broker.SettleAsync()));
        }
        catch
        {
            await arena.DisposeAsync();
            throw;
        }
        return arena;
    }

    public void Start(NodeProcess node) =>
        node.Start(_nodes.Select(static peer => peer.RpcAddress), Brokers.Urls);

    public async ValueTask DisposeAsync()
    {
        foreach (NodeProcess node in _nodes) { await node.DisposeAsync(); }
        await Brokers.DisposeAsync();
        if (Disk is not null) { await Disk.UnmountAsync(); }
        _directory.Dispose();
    }

    /// <summary>Waits until a node says that it is ready.</summary>
    /// <returns>False: it did not in time.</returns>
    public static async Task<bool> ReadyAsync(NodeProcess node, int timeoutMs)
    {
        long giveUpMs = Environment.TickCount64 + timeoutMs;
        while (!await node.IsReadyAsync())
        {
            if (Environment.TickCount64 > giveUpMs) { return false; }
            await Task.Delay(PollMs);
        }
        return true;
    }

    private async Task StartNodesAsync(string[] names, RunOptions options)
    {
        Dictionary<string, string> settings = new()
        {
            ["KV_CLUSTER_SIZE"] = $"{names.Length}",
            // As often as it can be: every few seconds.
            ["KV_SNAPSHOT_LOG_BYTES"] = $"{64 << 10}",
        };
        foreach ((string name, string value) in options.Settings) { settings[name] = value; }
        foreach (string name in names)
        {
            _nodes.Add(new NodeProcess(
                name,
                Network.Of(name),
                settings,
                Path.Combine(_directory.Path, name, "data"),
                Path.Combine(options.ReportDirectory, $"{name}.log")));
        }
        if (options.Disks)
        {
            Disk = await SnapshotDisk.MountAsync(
                Path.Combine(_directory.Path, "disk"), Path.Combine(_nodes[^1].DataDirectory, "snapshots"));
        }
        foreach (NodeProcess node in _nodes) { Start(node); }
        foreach (NodeProcess node in _nodes)
        {
            if (!await ReadyAsync(node, ReadyTimeoutMs))
            {
                throw new TimeoutException(
                    $"{node.Name} was not ready within {ReadyTimeoutMs} ms of its first start.");
            }
        }
    }
}
