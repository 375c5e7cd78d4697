using System.Net;

namespace Kv.Etcd.Tests.Systems;

/// <summary>Three nodes of ours in one process and on one log: killed and started again at will.</summary>
internal sealed class KvNodes : IDisposable
{
    private const int Nodes = 3;

    private readonly TemporaryDirectory _directory = new();
    private readonly IReadOnlyDictionary<string, string> _settings;
    private readonly int _port = FreePorts.Take(2 * Nodes);
    private readonly HttpClient _http = new();
    private LoggedProcess _process;

    private KvNodes(IReadOnlyDictionary<string, string> settings)
    {
        _settings = settings;
        _process = Launch();
        Endpoints =
        [
            .. Enumerable.Range(_port, Nodes).Select(static port => new EtcdEndpoint($"127.0.0.1:{port}")),
        ];
    }

    public IReadOnlyList<EtcdEndpoint> Endpoints { get; }

    /// <param name="settings">Beyond ports and directory.</param>
    public static async Task<KvNodes> StartAsync(params (string Name, string Value)[] settings)
    {
        var nodes = new KvNodes(settings.ToDictionary(static one => one.Name, static one => one.Value));
        await nodes._process.AnswersAsync(nodes.AreReadyAsync);
        return nodes;
    }

    /// <summary>kill -9, and a start on what is left.</summary>
    public async Task RestartAsync()
    {
        _process.Dispose();
        _process = Launch();
        await _process.AnswersAsync(AreReadyAsync);
    }

    public void Dispose()
    {
        foreach (EtcdEndpoint endpoint in Endpoints)
        {
            endpoint.Dispose();
        }
        _process.Dispose();
        _http.Dispose();
        _directory.Dispose();
    }

    private LoggedProcess Launch() => LoggedProcess.Start(
        SourceTree.HostBinary,
        [],
        new Dictionary<string, string>(_settings)
        {
            ["RPC_PORT"] = $"{_port}",
            ["HTTP_PORT"] = $"{_port + Nodes}",
            ["KV_NODES"] = $"{Nodes}",
            ["KV_BIND_ADDRESS"] = "127.0.0.1",
            ["KV_DATA_DIR"] = Path.Combine(_directory.Path, "data"),
            ["LOG_LEVEL"] = "warning",
        },
        _directory.Path);

    private async Task<bool> AreReadyAsync()
    {
        try
        {
            for (int node = 0; node < Nodes; node++)
            {
                using HttpResponseMessage answer = await _http.GetAsync(
                    $"http://127.0.0.1:{_port + Nodes + node}/readyz");
                if (answer.StatusCode != HttpStatusCode.OK)
                {
                    return false;
                }
            }
            return true;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
