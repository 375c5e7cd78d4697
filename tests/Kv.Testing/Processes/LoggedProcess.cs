using System.Diagnostics;
using System.Text;

namespace Kv.Testing.Processes;

/// <summary>A server as a process: what it says is kept, and it never outlives the tests.</summary>
public sealed class LoggedProcess : IDisposable
{
    private readonly StringBuilder _said = new();
    private readonly Process _process;

    private LoggedProcess(ProcessStartInfo start)
    {
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Add(line.Data);
        _process.ErrorDataReceived += (_, line) => Add(line.Data);
        // Should the test run itself be ended from outside, nothing of it stays.
        AppDomain.CurrentDomain.ProcessExit += KillWithRun;
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public bool HasExited => _process.HasExited;

    /// <summary>Everything it wrote so far, to standard output and standard error.</summary>
    public string Said
    {
        get
        {
            lock (_said)
            {
                return _said.ToString();
            }
        }
    }

    /// <summary>Starts it.</summary>
    /// <param name="program">A path, or a name on the PATH.</param>
    /// <param name="arguments">Not split or unquoted by anybody.</param>
    /// <param name="environment">All it sees beside PATH and HOME.</param>
    /// <param name="directory">Where it runs.</param>
    public static LoggedProcess Start(
        string program,
        IEnumerable<string> arguments,
        IEnumerable<KeyValuePair<string, string>> environment,
        string directory)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = directory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        KeepOnlyPathAndHome(start);
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }
        return new LoggedProcess(start);
    }

    /// <summary>No setting of our own surroundings reaches what is started so.</summary>
    public static void KeepOnlyPathAndHome(ProcessStartInfo start)
    {
        string[] kept = ["PATH", "HOME", "DOTNET_ROOT", "TMPDIR"];
        foreach (string name in start.Environment.Keys.Except(kept).ToArray())
        {
            start.Environment.Remove(name);
        }
    }

    /// <summary>Waits until it answers.</summary>
    /// <exception cref="InvalidOperationException">It ended first.</exception>
    /// <exception cref="TimeoutException">It never did.</exception>
    public async Task AnswersAsync(Func<Task<bool>> ask, int timeoutMs = 60_000)
    {
        try
        {
            await Eventually.HoldsAsync($"{_process.StartInfo.FileName} answers", AskAsync, timeoutMs);
        }
        catch (TimeoutException late)
        {
            throw new TimeoutException($"{late.Message} It said:\n{Said}", late);
        }

        Task<bool> AskAsync() => HasExited
            ? throw new InvalidOperationException(
                $"{_process.StartInfo.FileName} ended with exit code {_process.ExitCode}. It said:\n{Said}")
            : ask();
    }

    /// <summary>SIGSTOP; returns when it stands still.</summary>
    public Task SuspendAsync() => ProcessSignals.SuspendAsync(_process);

    /// <summary>SIGCONT.</summary>
    public void Continue() => ProcessSignals.SendContinue(_process);

    /// <summary>SIGKILL; returns when it is gone.</summary>
    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= KillWithRun;
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    private void KillWithRun(object? sender, EventArgs end) => _process.Kill();

    private void Add(string? line)
    {
        // Null is the end.
        if (line is not null)
        {
            lock (_said)
            {
                _said.AppendLine(line);
            }
        }
    }
}
