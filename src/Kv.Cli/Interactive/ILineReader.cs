namespace Kv.Cli.Interactive;

/// <summary>Where the lines of a conversation come from.</summary>
internal interface ILineReader : IDisposable
{
    /// <summary>Whether the last line was abandoned with Ctrl-C.</summary>
    bool WasAbandoned { get; }

    /// <param name="prompt">What asks for the line; null: the prompt for commands.</param>
    /// <returns>The line; empty when the user abandoned it with Ctrl-C; null when the user leaves.</returns>
    Task<string?> ReadAsync(string? prompt = null);
}
