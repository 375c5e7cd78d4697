using System.Diagnostics;
using System.Globalization;
using Grpc.Core;
using Grpc.Net.Client;
using Kv.Protos.V1;
using Kv.Testing.Processes;

namespace Kv.Bench.Machine;

/// <summary>A kv-host process of stream mode, as a user would start it.</summary>
internal sealed class BenchNode : IAsyncDisposable
{
    // Published by bench/run.
    private static readonly string Host = Path.Combine(SourceTree.Root, "artifacts", "kv-host", "kv-host");

    private readonly IReadOnlyDictionary<string, string> _settings;
    private readonly IReadOnlyList<string> _wrapper;
    private readonly string _logFile;
    private readonly int _rpcPort = FreePorts.Take(1);
    private Process? _process;

    /// <param name="wrapper">Runs the host: a command and its arguments; empty: nothing.</param>
    public BenchNode(
        string name,
        string directory,
        IReadOnlyDictionary<string, string> settings,
        IReadOnlyList<string> wrapper)
    {
        _wrapper = wrapper;
        Name = name;
        _logFile = Path.Combine(directory, $"{name}.log");
        _settings = new Dictionary<string, string>(settings)
        {
            ["NODE_ID"] = name,
            ["RPC_PORT"] = _rpcPort.ToString(CultureInfo.InvariantCulture),
            ["HTTP_PORT"] = "0",
            ["KV_DATA_DIR"] = Path.Combine(directory, name),
        };
        Address = new Uri($"http://localhost:{_rpcPort}");
        Channel = GrpcChannel.ForAddress(Address, new GrpcChannelOptions
        {
            MaxRetryAttempts = 1,
            HttpHandler = new SocketsHttpHandler { EnableMultipleHttp2Connections = true },
        });
    }

    public string Name { get; }

    public Uri Address { get; }

    public GrpcChannel Channel { get; }

    public KvService.KvServiceClient Kv => new(Channel);

    /// <summary>Resident memory now, bytes; 0: it does not run.</summary>
    public long ResidentBytes
    {
        get
        {
            if (_process is not { HasExited: false } process)
            {
                return 0;
            }
            process.Refresh();
            return process.WorkingSet64;
        }
    }

    /// <summary>What it has used of the cores since its start, s; 0: it does not run.</summary>
    public double ProcessorSeconds
    {
        get
        {
            if (_process is not { HasExited: false } process)
            {
                return 0;
            }
            process.Refresh();
            return process.TotalProcessorTime.TotalSeconds;
        }
    }

    public bool HasExited => _process?.HasExited ?? true;

    public void Start()
    {
        // The shell ends in the host itself: a kill hits the node.
        var start = new ProcessStartInfo(
            "/bin/sh", ["-c", "log=$0; exec \"$@\" >> \"$log\" 2>&1", _logFile, .. _wrapper, Host]);
        foreach ((string name, string value) in _settings)
        {
            start.Environment[name] = value;
        }
        _process = Process.Start(start)!;
    }

    /// <summary>Waits until it says that it is ready.</summary>
    public async Task ReadyAsync(TimeSpan patience)
    {
        long began = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(began) < patience)
        {
            if (HasExited)
            {
                throw new InvalidOperationException($"{Name} has ended; its output is in {_logFile}.");
            }
            try
            {
                StatusReply status = await Kv.StatusAsync(
                    new StatusRequest(), deadline: DateTime.UtcNow.AddSeconds(2));
                if (status.State == "ready")
                {
                    return;
                }
            }
            catch (RpcException)
            {
                // It does not listen yet.
            }
            await Task.Delay(20);
        }
        throw new TimeoutException($"{Name} was not ready within {patience}; its output is in {_logFile}.");
    }

    /// <summary>kill -9.</summary>
    public void Kill()
    {
        _process!.Kill();
        _process.WaitForExit();
    }

    public ValueTask DisposeAsync()
    {
        if (!HasExited)
        {
            Kill();
        }
        Channel.Dispose();
        _process?.Dispose();
        return ValueTask.CompletedTask;
    }
}
