namespace Kv.Testing.Histories;

/// <summary>
/// Writes a history while it happens, one line per event, flushed, so that a killed recorder leaves a file
/// that can be checked. Any thread.
/// </summary>
/// <param name="output">Disposed by the caller.</param>
/// <param name="now">A clock that never goes back, the same for all clients of a history.</param>
public sealed class HistoryRecorder(TextWriter output, Func<long> now)
{
    private readonly Lock _lock = new();
    private long _lastOp;

    /// <summary>Notes a call; to be called just before it is made.</summary>
    /// <returns>The operation's number, for its end.</returns>
    public long Call(
        string client, OperationKind kind, string key, string? value = null, string? expected = null)
    {
        lock (_lock)
        {
            Write(new HistoryEvent
            {
                Event = EventKind.Call,
                Op = ++_lastOp,
                At = now(),
                Client = client,
                Kind = kind,
                Key = key,
                Value = value,
                Expected = expected,
            });
            return _lastOp;
        }
    }

    /// <summary>Notes an answer; to be called as soon as it is there.</summary>
    public void Return(long op, string? read = null, bool? succeeded = null) =>
        End(new HistoryEvent
        {
            Event = EventKind.Return,
            Op = op,
            At = 0,
            Read = read,
            Succeeded = succeeded,
        });

    /// <summary>The client gave up and cannot know.</summary>
    public void Unknown(long op) => End(new HistoryEvent { Event = EventKind.Unknown, Op = op, At = 0 });

    /// <summary>The client was told that the call did nothing and never will.</summary>
    public void Refused(long op) => End(new HistoryEvent { Event = EventKind.Refused, Op = op, At = 0 });

    private void End(HistoryEvent end)
    {
        lock (_lock)
        {
            Write(end with { At = now() });
        }
    }

    private void Write(HistoryEvent happened)
    {
        output.WriteLine(HistoryFile.ToLine(happened));
        output.Flush();
    }
}
