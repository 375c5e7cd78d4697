using System.Diagnostics;
using System.Reflection;

namespace Kv.Host.Tests.Cli;

/// <summary>What a run of the real <c>kv</c> came to.</summary>
internal sealed record KvRun(int ExitCode, string Output, string Errors);

/// <summary>Runs the real <c>kv</c> as a process of its own.</summary>
internal static class KvProcess
{
    /// <summary>Longest run, s: far above any timeout a test gives <c>kv</c>.</summary>
    private const int RunSecondsMax = 60;

    /// <summary>The runtime host and the assembly, to be followed by the arguments.</summary>
    public static IReadOnlyList<string> Command { get; } = [Environment.ProcessPath!, Assembly()];

    public static Task<KvRun> RunAsync(params string[] arguments) =>
        RunAsync("", new Dictionary<string, string>(), arguments);

    /// <summary>Runs with standard input from a pipe.</summary>
    public static async Task<KvRun> RunAsync(
        string input, IReadOnlyDictionary<string, string> environment, string[] arguments)
    {
        using Process process = Start(environment, arguments);
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        return await FinishAsync(process);
    }

    public static Process Start(IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        var start = new ProcessStartInfo(Command[0], [.. Command.Skip(1), .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Remove("KV_TARGET");
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }

    public static async Task<KvRun> FinishAsync(Process process)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(RunSecondsMax));
        try
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(patience.Token);
            Task<string> errors = process.StandardError.ReadToEndAsync(patience.Token);
            await process.WaitForExitAsync(patience.Token);
            return new KvRun(process.ExitCode, await output, await errors);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw new TimeoutException($"kv did not end within {RunSecondsMax} s.");
        }
    }

    private static string Assembly()
    {
        AssemblyMetadataAttribute folder = typeof(KvProcess).Assembly
            .GetCustomAttributes<AssemblyMetadataAttribute>()
            .Single(metadata => metadata.Key == "KvFolder");
        return Path.Combine(folder.Value!, "kv.dll");
    }
}
