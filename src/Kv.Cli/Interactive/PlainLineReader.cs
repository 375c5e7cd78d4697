using System.Text;
using Kv.Cli.Lines;

namespace Kv.Cli.Interactive;

/// <summary>
/// For a terminal that cannot move its cursor (TERM=dumb): the system's own line editing, no history, no
/// completion. Ctrl-C at the prompt ends the process.
/// </summary>
internal sealed class PlainLineReader(TextWriter screen, Func<string> commandPrompt) : ILineReader
{
    private readonly LineReader _lines = new(new StreamReader(Console.OpenStandardInput(), Encoding.UTF8));

    public bool WasAbandoned => false;

    public async Task<string?> ReadAsync(string? prompt = null)
    {
        screen.Write($"{prompt ?? commandPrompt()} ");
        screen.Flush();
        string? line = await _lines.ReadAsync();
        if (line is null)
        {
            // Ctrl-D moves no cursor: what the shell writes next is to begin on a line of its own.
            screen.Write('\n');
            screen.Flush();
        }

        return line;
    }

    public void Dispose()
    {
    }
}
