using Kv.Cli.Commands;
using Kv.Cli.Lines;
using Kv.Cli.Output;

namespace Kv.Cli;

/// <summary>Runs commands from a pipe or file, one per line.</summary>
internal sealed class Script(CommandRunner runner, IOutput output, Interrupts interrupts)
{
    /// <param name="lines">Where the commands come from.</param>
    /// <param name="keepGoing">Whether a failed line does not end the run.</param>
    /// <returns>The exit code of the first line that failed.</returns>
    public async Task<ExitCode> RunAsync(LineReader lines, bool keepGoing)
    {
        ExitCode first = ExitCode.Ok;
        while (true)
        {
            (ExitCode exit, bool more) = await RunNextAsync(lines);
            if (first == ExitCode.Ok)
            {
                first = exit;
            }

            // What the user stopped stays stopped.
            if (!more || (exit != ExitCode.Ok && (!keepGoing || exit == ExitCode.Interrupted)))
            {
                return first;
            }
        }
    }

    private async Task<(ExitCode Exit, bool More)> RunNextAsync(LineReader lines)
    {
        int number = lines.LinesRead + 1;
        try
        {
            string? line = await lines.ReadAsync();
            Command? command = line is null ? new Command.Exit() : CommandParser.ParseLine(line);
            if (command is null)
            {
                return (ExitCode.Ok, true);
            }

            using Interrupts.Scope interrupt = interrupts.Begin();
            ExitCode exit = await runner.RunAsync(command, interrupt.Token, number);
            return (exit, command is not Command.Exit);
        }
        catch (UsageException error)
        {
            output.Fail(Failure.Usage(error, number));
            return (ExitCode.Usage, true);
        }
    }
}
