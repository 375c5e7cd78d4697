using System.Diagnostics;
using System.Text;

namespace Kv.Etcd.Tests.Etcdctl;

/// <summary>A run of the real etcdctl.</summary>
internal sealed class EtcdctlProcess : IDisposable
{
    /// <summary>Longest run of a command that ends by itself, and longest wait for output, s.</summary>
    private const int SecondsMax = 30;

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();

    private EtcdctlProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, line) => Add(_output, line.Data);
        process.ErrorDataReceived += (_, line) => Add(_error, line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public string Output => Read(_output);

    public static EtcdctlProcess Start(string target, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo("etcdctl", ["--endpoints", target, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        LoggedProcess.KeepOnlyPathAndHome(start);
        start.Environment["ETCDCTL_API"] = "3";
        return new EtcdctlProcess(new Process { StartInfo = start });
    }

    /// <summary>Writes to its standard input; without an end, more could follow.</summary>
    public async Task WriteAsync(string input, bool end)
    {
        await _process.StandardInput.WriteAsync(input);
        await _process.StandardInput.FlushAsync();
        if (end)
        {
            _process.StandardInput.Close();
        }
    }

    public Task WroteAsync(string text) => Eventually.HoldsAsync(
        $"etcdctl wrote \"{text}\" (it wrote: {this})",
        () => Task.FromResult(Output.Contains(text, StringComparison.Ordinal)),
        SecondsMax * 1_000);

    /// <summary>As Ctrl+C does.</summary>
    public void Interrupt() => ProcessSignals.SendInterrupt(_process);

    /// <summary>Waits for its end; exit code and output as text.</summary>
    public async Task<string> EndAsync()
    {
        try
        {
            await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(SecondsMax));
        }
        catch (TimeoutException late)
        {
            throw new TimeoutException($"etcdctl did not end within {SecondsMax} s: {this}", late);
        }
        return $"exit code {_process.ExitCode}\n{this}";
    }

    public override string ToString() => Output + Read(_error);

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    private static void Add(StringBuilder text, string? line)
    {
        // Null is the end.
        if (line is not null)
        {
            lock (text)
            {
                text.Append(line).Append('\n');
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
