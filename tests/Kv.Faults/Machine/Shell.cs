using System.Diagnostics;

namespace Kv.Faults.Machine;

/// <summary>Runs the system's programs.</summary>
internal static class Shell
{
    /// <returns>What it printed.</returns>
    /// <exception cref="InvalidOperationException">
    /// It cannot be run, or failed; the text says how.
    /// </exception>
    public static async Task<string> RunAsync(params string[] command)
    {
        using Process process = Start(command);
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        string errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0
            ? await output
            : throw new InvalidOperationException($"{string.Join(' ', command)}: {errors.Trim()}");
    }

    private static Process Start(string[] command)
    {
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        try
        {
            return Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            throw new InvalidOperationException($"{command[0]} cannot be run: {missing.Message}.", missing);
        }
    }
}
