using System.Diagnostics;
using System.Net;
using Kv.Testing.Processes;

namespace Kv.Faults.Machine;

/// <summary>One kv-host on its seat, with its output in a file, through all its lives.</summary>
internal sealed class NodeProcess : IAsyncDisposable
{
    private const int AnswerTimeoutMs = 2_000;

    private readonly Seat _seat;
    private readonly IReadOnlyDictionary<string, string> _settings;
    private readonly StreamWriter _output;
    private readonly HttpClient _http;
    private readonly int _httpPort = FreePorts.Take(1);
    private Process? _process;

    /// <param name="dataDirectory">Its own; made if missing.</param>
    /// <param name="outputPath">Where what it prints goes, without its lines for each command.</param>
    public NodeProcess(string name, Seat seat, IReadOnlyDictionary<string, string> settings,
        string dataDirectory, string outputPath)
    {
        Name = name;
        _seat = seat;
        _settings = settings;
        DataDirectory = dataDirectory;
        _output = new StreamWriter(outputPath) { AutoFlush = true };
        _http = new HttpClient
        {
            BaseAddress = new Uri($"http://{seat.Address}:{_httpPort}"),
            Timeout = TimeSpan.FromMilliseconds(AnswerTimeoutMs),
        };
        Directory.CreateDirectory(dataDirectory);
    }

    public string Name { get; }

    public string DataDirectory { get; }

    public Uri RpcAddress => field ??= new Uri($"http://{_seat.Address}:{FreePorts.Take(1)}");

    /// <summary>How often it said so far that it starts from a snapshot.</summary>
    public int StartsFromSnapshot { get; private set; }

    /// <summary>How often it said so far that it wrote one.</summary>
    public int SnapshotsWritten { get; private set; }

    /// <summary>True from its start to the kill that we asked for.</summary>
    public bool IsMeantToRun { get; private set; }

    /// <summary>It ended without having been asked to.</summary>
    public bool HasEnded => _process is { HasExited: true };

    /// <param name="peers">gRPC addresses of all nodes.</param>
    public void Start(IEnumerable<Uri> peers, string amqpUrls)
    {
        string[] command = [.. _seat.Wrapper, SourceTree.HostBinary];
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            WorkingDirectory = Path.GetDirectoryName(DataDirectory),
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment =
            {
                ["NODE_ID"] = Name,
                ["RPC_PORT"] = $"{RpcAddress.Port}",
                ["HTTP_PORT"] = $"{_httpPort}",
                ["KV_BIND_ADDRESS"] = _seat.Address,
                ["KV_ADVERTISED_URL"] = RpcAddress.ToString().TrimEnd('/'),
                ["KV_PEERS"] = string.Join(',', peers),
                ["KV_DATA_DIR"] = DataDirectory,
                ["AMQP_URL"] = amqpUrls,
                ["REPLICATION"] = "stream",
                ["LOG_LEVEL"] = "Information",
            },
        };
        foreach ((string name, string value) in _settings) { start.Environment[name] = value; }
        var process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, line) => Note(line.Data);
        process.ErrorDataReceived += (_, line) => Note(line.Data);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => process.Kill();
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        _process = process;
        IsMeantToRun = true;
    }

    /// <summary>SIGKILL; returns when it is gone.</summary>
    public void Kill()
    {
        IsMeantToRun = false;
        _process!.Kill();
        _process.WaitForExit();
        _process = null;
    }

    /// <summary>SIGSTOP; returns when it stands still.</summary>
    public Task PauseAsync() => ProcessSignals.SuspendAsync(_process!);

    /// <summary>SIGCONT.</summary>
    public void Resume() => ProcessSignals.SendContinue(_process!);

    /// <summary>Deletes what it keeps, while it does not run.</summary>
    public void EmptyData()
    {
        foreach (string file in Directory.EnumerateFiles(DataDirectory, "*", SearchOption.AllDirectories))
        {
            File.Delete(file);
        }
    }

    public async Task<bool> IsReadyAsync()
    {
        try
        {
            using HttpResponseMessage answer = await _http.GetAsync("/readyz");
            return answer.StatusCode == HttpStatusCode.OK;
        }
        catch (Exception failed) when (failed is HttpRequestException or OperationCanceledException)
        {
            return false;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null) { Kill(); }
        _http.Dispose();
        await _output.DisposeAsync();
    }

    private void Note(string? line)
    {
        // One line for each command, as the log has them anyway, is a lot of text.
        if (line is null || line.Contains($" {Name} applied ", StringComparison.Ordinal)) { return; }
        lock (_output)
        {
            if (line.Contains("starts from the snapshot", StringComparison.Ordinal)) { StartsFromSnapshot++; }
            if (line.Contains("wrote the snapshot", StringComparison.Ordinal)) { SnapshotsWritten++; }
            _output.WriteLine(line);
        }
    }
}
