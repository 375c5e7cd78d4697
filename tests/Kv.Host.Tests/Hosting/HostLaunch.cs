using System.Diagnostics;
using System.Text;

namespace Kv.Host.Tests.Hosting;

/// <summary>
/// One run of the kv-host program, with its output. No setting of our own surroundings reaches it.
/// </summary>
internal sealed class HostLaunch : IDisposable
{
    /// <summary>Every setting, as environment variable.</summary>
    public static readonly string[] SettingNames =
    [
        "RPC_PORT", "HTTP_PORT", "KV_BIND_ADDRESS", "NODE_ID", "KV_DATA_DIR", "KV_NODES", "REPLICATION",
        "ACK", "AMQP_URL", "EXCHANGE_NAME", "KV_ADVERTISED_URL", "KV_CLUSTER", "KV_CLUSTER_SIZE",
        "KV_LOG_BYTES_MAX", "KV_SNAPSHOT_LOG_BYTES", "KV_PEERS", "KV_PEER_KEY", "KV_SKIP_OFFSET",
        "KV_QUOTA_BYTES", "KV_AUTO_COMPACTION", "KV_AUTH_TOKEN_TTL", "KV_WATCH_PROGRESS_MS",
        "QUEUE_ORDER", "QUEUE_DURABLE", "LOG_LEVEL",
    ];

    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();

    private HostLaunch(Process process)
    {
        Process = process;
        process.OutputDataReceived += (_, line) => Add(_output, line.Data);
        process.ErrorDataReceived += (_, line) => Add(_error, line.Data);
        // Should the test run itself be ended from outside, nothing of it stays.
        AppDomain.CurrentDomain.ProcessExit += KillWithRun;
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public Process Process { get; }

    /// <summary>What it wrote to standard output so far.</summary>
    public string Output => Read(_output);

    /// <summary>What it wrote to standard error so far.</summary>
    public string Error => Read(_error);

    public static HostLaunch Start(
        IEnumerable<KeyValuePair<string, string>> environment,
        IEnumerable<string> arguments,
        string directory)
    {
        var start = new ProcessStartInfo(SourceTree.HostBinary, arguments)
        {
            WorkingDirectory = directory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string name in SettingNames)
        {
            start.Environment.Remove(name);
        }
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }
        return new HostLaunch(new Process { StartInfo = start });
    }

    /// <summary>Waits for its end, and for the end of its output.</summary>
    public async Task<int> EndAsync(int timeoutMs = 40_000)
    {
        try
        {
            await Process.WaitForExitAsync().WaitAsync(TimeSpan.FromMilliseconds(timeoutMs));
        }
        catch (TimeoutException late)
        {
            throw new TimeoutException($"kv-host did not end within {timeoutMs} ms. {this}", late);
        }
        return Process.ExitCode;
    }

    public void Kill()
    {
        Process.Kill();
        Process.WaitForExit();
    }

    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= KillWithRun;
        Kill();
        Process.Dispose();
    }

    public override string ToString() => $"Its output:\n{Output}\nIts errors:\n{Error}";

    private void KillWithRun(object? sender, EventArgs end) => Process.Kill();

    private static void Add(StringBuilder text, string? line)
    {
        // Null is the end.
        if (line is not null)
        {
            lock (text)
            {
                text.AppendLine(line);
            }
        }
    }

    private static string Read(StringBuilder text)
    {
        lock (text)
        {
            return text.ToString();
        }
    }
}
