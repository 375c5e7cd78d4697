namespace Kv.Cli.Interactive;

/// <summary>Where the lines of a conversation come from.</summary>
internal interface ILineReader : IDisposable
{
    /// <returns>The line; empty when the user abandoned it with Ctrl-C; null when the user leaves.</returns>
    Task<string?> ReadAsync();
}
