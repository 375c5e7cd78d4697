using System.Diagnostics;

namespace Kv.Host.Tests.Cli;

/// <summary>The real prompt in a pseudo-terminal; the steps are in <c>repl_pty.py</c>.</summary>
public sealed class ReplTests
{
    private const string Python = "/usr/bin/python3";

    /// <summary>Longest run of the script, s: each of its steps has a deadline of its own.</summary>
    private const int ScriptSecondsMax = 300;

    [Fact]
    public async Task A_person_at_a_terminal_can_edit_recall_complete_cancel_and_leave()
    {
        await using FakeKvServer server = await FakeKvServer.StartAsync("n1");
        server.Node.Fault = context => server.Node.Calls.Last().Contains(" hang", StringComparison.Ordinal)
            ? Task.Delay(Timeout.Infinite, context.CancellationToken)
            : Task.CompletedTask;
        string history = Path.Combine(Directory.CreateTempSubdirectory().FullName, "history");
        string script = Path.Combine(AppContext.BaseDirectory, "Cli", "repl_pty.py");

        var start = new ProcessStartInfo(Python, [script, server.Address, history, .. KvProcess.Command])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Remove("NO_COLOR");
        using Process process = Process.Start(start)!;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(ScriptSecondsMax));
        Task<string> output = process.StandardOutput.ReadToEndAsync(patience.Token);
        Task<string> errors = process.StandardError.ReadToEndAsync(patience.Token);
        await process.WaitForExitAsync(patience.Token);

        Assert.True(process.ExitCode == 0, await output + await errors);
        Assert.Contains("get y", await File.ReadAllLinesAsync(history));
    }
}
