using Kv.Cli.Output;

namespace Kv.Cli.Interactive;

/// <summary>
/// The history between conversations. A convenience: whatever the file system refuses is passed over, and
/// the conversation goes on without.
/// </summary>
internal sealed class HistoryFile(string path)
{
    /// <summary>Longest line kept, characters: a pasted document is not worth a place.</summary>
    private const int LineCharsMax = 16 * 1024;

    /// <summary>
    /// The file of <c>KV_HISTORY</c>, else <c>~/.kv_history</c>; null when the variable is empty or there is
    /// no home.
    /// </summary>
    public static HistoryFile? Find(Func<string, string?> environment)
    {
        if (environment("KV_HISTORY") is { } named)
        {
            return named.Length > 0 ? new HistoryFile(named) : null;
        }

        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return home.Length > 0 ? new HistoryFile(Path.Combine(home, ".kv_history")) : null;
    }

    /// <summary>The newest lines, oldest first.</summary>
    public IReadOnlyList<string> Load()
    {
        try
        {
            // A line that would reach the terminal as a command was not written by this program.
            return [.. File.ReadLines(path).Where(IsKept).TakeLast(LineHistory.LinesMax)];
        }
        catch (Exception error) when (IsRefusal(error))
        {
            return [];
        }
    }

    public void Append(string line)
    {
        if (!IsKept(line))
        {
            return;
        }

        try
        {
            using (StreamWriter writer = Open(path, FileMode.Append))
            {
                writer.WriteLine(line);
            }

            Trim();
        }
        catch (Exception error) when (IsRefusal(error))
        {
        }
    }

    /// <summary>Drops the oldest lines of a file that has grown over the bound.</summary>
    private void Trim()
    {
        string[] lines = File.ReadAllLines(path);
        if (lines.Length <= LineHistory.LinesMax)
        {
            return;
        }

        string next = $"{path}.{Environment.ProcessId}";
        using (StreamWriter writer = Open(next, FileMode.Create))
        {
            foreach (string line in lines.TakeLast(LineHistory.LinesMax))
            {
                writer.WriteLine(line);
            }
        }

        File.Move(next, path, overwrite: true);
    }

    /// <summary>Opens for writing; a new file is for its owner only, as values stand in it.</summary>
    private static StreamWriter Open(string path, FileMode mode)
    {
        var options = new FileStreamOptions
        {
            Mode = mode,
            Access = FileAccess.Write,
            Share = FileShare.ReadWrite,
        };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return new StreamWriter(path, options) { NewLine = "\n" };
    }

    private static bool IsKept(string line) => line.Length <= LineCharsMax && TerminalText.IsSafe(line);

    private static bool IsRefusal(Exception error) => error is IOException or UnauthorizedAccessException
        or NotSupportedException or ArgumentException or System.Security.SecurityException;
}
