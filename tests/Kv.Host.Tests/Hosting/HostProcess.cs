using System.Net;
using Grpc.Net.Client;
using Kv.Protos.V1;

namespace Kv.Host.Tests.Hosting;

/// <summary>
/// A real kv-host on free ports with a data directory of its own, that can be killed, suspended and
/// restarted. Any number at once.
/// </summary>
public sealed class HostProcess : IAsyncDisposable
{
    /// <summary>Starts with other ports, should somebody else have taken ours meanwhile.</summary>
    private const int PortTriesMax = 5;

    private readonly HostStart _start;
    private readonly TemporaryDirectory _directory = new();
    private GrpcChannel[] _channels;
    private readonly HttpClient[] _https;
    private HostLaunch? _launch;
    private string _outputBefore = "";
    private IReadOnlyDictionary<string, string> _changes = new Dictionary<string, string>();

    private HostProcess(HostStart start)
    {
        _start = start;
        RpcPort = FreePorts.Take(2 * start.Nodes);
        HttpPort = RpcPort + start.Nodes;
        _channels = NewChannels();
        _https = [.. Enumerable.Range(HttpPort, start.Nodes).Select(NewHttp)];
    }

    /// <summary>gRPC port of node 1; the others follow.</summary>
    public int RpcPort { get; }

    /// <summary>HTTP port of node 1; the others follow.</summary>
    public int HttpPort { get; }

    public string DataDirectory => Path.Combine(_directory.Path, "data");

    /// <summary>Everything it wrote since the first start, standard output before standard error.</summary>
    public string Output => _outputBefore + Launch.Output + Launch.Error;

    private HostLaunch Launch => _launch ?? throw new InvalidOperationException("It was not started.");

    public static async Task<HostProcess> StartAsync(HostStart? start = null)
    {
        for (int tried = 1; ; tried++)
        {
            var host = new HostProcess(start ?? new HostStart());
            try
            {
                await (host._start.Seed?.Invoke(host.DataDirectory) ?? Task.CompletedTask);
                await host.StartAsync(host._start.WaitsUntilReady);
                return host;
            }
            catch (PortTakenException) when (tried < PortTriesMax)
            {
                await host.DisposeAsync();
            }
            catch
            {
                await host.DisposeAsync();
                throw;
            }
        }
    }

    /// <summary>The gRPC target of a node, counted from 1, as "localhost:port".</summary>
    public string Target(int node = 1) => $"localhost:{RpcPort + node - 1}";

    public GrpcChannel Channel(int node = 1) => _channels[node - 1];

    public KvService.KvServiceClient Kv(int node = 1) => new(Channel(node));

    public HttpClient Http(int node = 1) => _https[node - 1];

    public async Task<StatusReply> StatusAsync(int node = 1) =>
        await Kv(node).StatusAsync(new StatusRequest(), deadline: DateTime.UtcNow.AddSeconds(10));

    /// <summary>SIGKILL; returns when it is gone.</summary>
    public void Kill9() => Launch.Kill();

    /// <summary>SIGTERM.</summary>
    /// <returns>Its exit code.</returns>
    public Task<int> TerminateAsync()
    {
        ProcessSignals.SendTerminate(Launch.Process);
        return EndAsync();
    }

    /// <summary>Waits for an end that comes by itself.</summary>
    /// <returns>Its exit code.</returns>
    public Task<int> EndAsync() => Launch.EndAsync();

    /// <summary>SIGSTOP; returns when it stands still.</summary>
    public Task SuspendAsync() => ProcessSignals.SuspendAsync(Launch.Process);

    /// <summary>SIGCONT.</summary>
    public void Resume() => ProcessSignals.SendContinue(Launch.Process);

    /// <summary>
    /// Starts it again, after its end, with the same settings, ports and data. Clients have to be asked for
    /// anew.
    /// </summary>
    /// <param name="changes">Settings that are other ones from now on.</param>
    public Task RestartAsync(
        bool waitUntilReady = true, IReadOnlyDictionary<string, string>? changes = null)
    {
        if (!Launch.Process.HasExited)
        {
            throw new InvalidOperationException("It still runs: kill or terminate it first.");
        }
        _changes = changes ?? _changes;
        _outputBefore = Output;
        Launch.Dispose();
        // A channel that found nobody waits before it tries again.
        DisposeChannels();
        _channels = NewChannels();
        return StartAsync(waitUntilReady);
    }

    /// <summary>Waits until /readyz of every node says yes.</summary>
    public async Task ReadyAsync()
    {
        for (int node = 1; node <= _start.Nodes; node++)
        {
            await AnswersAsync(Http(node), "/readyz");
        }
    }

    public ValueTask DisposeAsync()
    {
        DisposeChannels();
        foreach (HttpClient http in _https)
        {
            http.Dispose();
        }
        _launch?.Dispose();
        _directory.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task StartAsync(bool waitUntilReady)
    {
        Dictionary<string, string> environment = new(_start.Environment)
        {
            ["RPC_PORT"] = $"{RpcPort}",
            ["HTTP_PORT"] = $"{HttpPort}",
            ["KV_NODES"] = $"{_start.Nodes}",
            ["KV_DATA_DIR"] = DataDirectory,
        };
        foreach ((string name, string value) in _changes)
        {
            environment[name] = value;
        }
        _launch = HostLaunch.Start(environment, _start.Arguments, _directory.Path);
        await AnswersAsync(Http(_start.Nodes), "/healthz");
        if (waitUntilReady)
        {
            await ReadyAsync();
        }
    }

    private async Task AnswersAsync(HttpClient http, string path)
    {
        string last = "";
        try
        {
            await Eventually.HoldsAsync($"{path} answers 200", AskAsync, _start.ReadyTimeoutMs);
        }
        catch (TimeoutException late)
        {
            throw new TimeoutException($"{late.Message} Last answer: {last}. {Launch}", late);
        }

        async Task<bool> AskAsync()
        {
            if (Launch.Process.HasExited)
            {
                throw await ExitedAsync();
            }
            try
            {
                using HttpResponseMessage answer = await http.GetAsync(path);
                last = $"{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}";
                return answer.StatusCode == HttpStatusCode.OK;
            }
            catch (HttpRequestException notYet)
            {
                last = notYet.Message;
                return false;
            }
        }
    }

    private async Task<Exception> ExitedAsync()
    {
        int exitCode = await Launch.EndAsync();
        return Launch.Error.Contains("address already in use", StringComparison.Ordinal)
            ? new PortTakenException($"Ports from {RpcPort} on were taken by somebody else. {Launch}")
            : new InvalidOperationException($"kv-host ended with exit code {exitCode}. {Launch}");
    }

    private GrpcChannel[] NewChannels() =>
    [
        .. Enumerable.Range(RpcPort, _start.Nodes).Select(
            static port => GrpcChannel.ForAddress($"http://localhost:{port}")),
    ];

    private void DisposeChannels()
    {
        foreach (GrpcChannel channel in _channels)
        {
            channel.Dispose();
        }
    }

    private static HttpClient NewHttp(int port) => new()
    {
        BaseAddress = new Uri($"http://localhost:{port}"),
        Timeout = TimeSpan.FromSeconds(30),
    };

    private sealed class PortTakenException(string message) : Exception(message);
}
