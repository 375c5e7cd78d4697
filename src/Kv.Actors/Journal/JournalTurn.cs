namespace Kv.Actors.Journal;

/// <summary>
/// Keeps writers of one journal, and whoever reads it for a start, apart: a node whose parts start anew may
/// still have a write of its former life under way.
/// </summary>
/// <remarks>Any thread; it blocks on I/O.</remarks>
public sealed class JournalLock
{
    private readonly Lock _gate = new();
    private Action? _close;

    /// <summary>Closes the writer there is and runs <paramref name="alone"/>.</summary>
    internal T Alone<T>(Func<T> alone)
    {
        lock (_gate)
        {
            Close();
            return alone();
        }
    }

    /// <summary>Runs it unless its writer was closed, and closes any other first.</summary>
    /// <exception cref="ObjectDisposedException">Its writer was closed.</exception>
    internal void Write(Func<bool> isClosed, Action close, Action write)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(isClosed(), typeof(JournalWriter));
            if (_close != close)
            {
                Close();
                _close = close;
            }
            write();
        }
    }

    /// <summary>Closes this writer, if it is the one there is.</summary>
    internal void Release(Action close)
    {
        lock (_gate)
        {
            if (_close == close)
            {
                Close();
            }
        }
    }

    private void Close()
    {
        _close?.Invoke();
        _close = null;
    }
}

/// <summary>
/// A journal's writer from its first write, which opens it, until it ends: it cannot be opened again.
/// </summary>
internal sealed class JournalTurn
{
    private readonly JournalOptions _options;
    private readonly Func<JournalWriter> _open;
    private readonly Action _close;
    private JournalWriter? _writer;
    private volatile bool _ended;
    private volatile Points? _points;

    internal JournalTurn(JournalOptions options, JournalReading reading, JournalPoint at)
    {
        _options = options;
        _open = () => JournalWriter.Open(options.Directory, reading, at, options.Create);
        _close = Close;
    }

    private sealed record Points(JournalPoint Base, JournalPoint Synced);

    internal bool IsOpen => _points is not null;

    /// <summary>What is before it has to be in a snapshot.</summary>
    internal JournalPoint Base => _points!.Base;

    /// <summary>On disk up to here.</summary>
    internal JournalPoint Synced => _points!.Synced;

    /// <summary>Blocks on I/O. One call at a time.</summary>
    /// <param name="removeBelow">See <see cref="JournalWriter.RemoveBelow"/>; null: nothing.</param>
    /// <exception cref="IOException">It is of no use any more.</exception>
    /// <exception cref="ObjectDisposedException">It has ended.</exception>
    internal void Write(
        ulong clusterId, IReadOnlyList<JournalRecord> records, bool syncs, long? removeBelow) =>
        _options.Lock.Write(() => _ended, _close, () =>
        {
            JournalWriter writer = _writer ??= _open();
            writer.Append(clusterId, records);
            if (syncs)
            {
                writer.Sync();
            }
            if (removeBelow is { } offset)
            {
                writer.RemoveBelow(offset);
            }
            _points = new Points(writer.Base, writer.Synced);
        });

    /// <summary>Ends it, off the caller's thread: an fsync may take seconds.</summary>
    internal Task End()
    {
        _ended = true;
        return Task.Run(() => _options.Lock.Release(_close));
    }

    private void Close()
    {
        _ended = true;
        _writer?.Dispose();
    }
}
