using System.Diagnostics;
using RadLine;

namespace Kv.Cli.Interactive;

/// <summary>
/// The keyboard, asked less often while nobody types. The line editor asks every 5 ms, and each question
/// costs several system calls: an idle prompt took 5 % of a core.
/// </summary>
internal sealed class UnhurriedInput : IInputSource
{
    /// <summary>How long after a key the next one is expected at once, ms.</summary>
    private const int TypingMs = 2_000;

    /// <summary>
    /// Wait before an idle question, ms: the most that a first key, or Ctrl-C, may be late.
    /// </summary>
    private const int IdleMs = 50;

    private long _lastKey = Stopwatch.GetTimestamp();

    public bool ByPassProcessing => false;

    public bool IsKeyAvailable()
    {
        if (Stopwatch.GetElapsedTime(_lastKey).TotalMilliseconds > TypingMs)
        {
            Thread.Sleep(IdleMs);
        }

        return Console.KeyAvailable;
    }

    public ConsoleKeyInfo ReadKey()
    {
        _lastKey = Stopwatch.GetTimestamp();
        return Console.ReadKey(intercept: true);
    }
}
