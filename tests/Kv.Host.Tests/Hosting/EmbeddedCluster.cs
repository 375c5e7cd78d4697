using Kv.Host.Tests.Wire;

namespace Kv.Host.Tests.Hosting;

/// <summary>
/// Three nodes in one process, for all tests that leave them as they were. Each test has keys of its own.
/// </summary>
public sealed class EmbeddedCluster : IAsyncLifetime
{
    private readonly Dictionary<int, JsonWireClient> _wires = [];
    private HostProcess? _host;

    public HostProcess Host => _host ?? throw new InvalidOperationException("It was not started.");

    public async Task InitializeAsync() => _host = await HostProcess.StartAsync(new HostStart { Nodes = 3 });

    /// <summary>The foreign client of a node, counted from 1.</summary>
    public JsonWireClient Wire(int node = 1)
    {
        if (!_wires.TryGetValue(node, out JsonWireClient? wire))
        {
            _wires[node] = wire = JsonWireClient.Start(Host.Target(node));
        }
        return wire;
    }

    public async Task DisposeAsync()
    {
        foreach (JsonWireClient wire in _wires.Values)
        {
            wire.Dispose();
        }
        if (_host is not null)
        {
            await _host.DisposeAsync();
        }
    }
}

[CollectionDefinition(Name)]
public sealed class EmbeddedClusterCollection : ICollectionFixture<EmbeddedCluster>
{
    public const string Name = "one embedded cluster";
}
