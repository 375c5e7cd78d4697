namespace Kv.Core.Watch;

/// <summary>One watch as its stream keeps it: what waits to be sent, how far it has read itself.</summary>
internal sealed class WatchLine(Watcher watcher) : WatchIndexEntry(watcher.Keys)
{
    private readonly Queue<WatchEvent> _pending = new();

    public Watcher Watcher { get; } = watcher;

    /// <summary>It reads the history; the hub gives it nothing.</summary>
    public bool IsLagging { get; private set; }

    /// <summary>While lagging: the first revision it has not read.</summary>
    public long Next { get; set; }

    /// <summary>It had events since progress was told last.</summary>
    public bool HadEvents { get; set; }

    public bool HasPending => _pending.Count > 0;

    // What waits is either the hub's, counted as under way, or read from the history, never both: reading
    // begins when nothing waits, and so does being given.
    private bool _isCounted;

    /// <returns>True: it waited for nothing before.</returns>
    public bool Add(WatchEvent one, bool isCounted)
    {
        _isCounted = isCounted;
        _pending.Enqueue(one);
        return _pending.Count == 1;
    }

    public void FallBehind(long from) => (IsLagging, Next) = (true, from);

    public void CatchUp() => IsLagging = false;

    /// <summary>Whole revisions for one reply, up to its target.</summary>
    public List<WatchEvent> TakeReply()
    {
        List<WatchEvent> events = [];
        long bytes = 0;
        int revisions = 0;
        while (_pending.TryPeek(out WatchEvent? one))
        {
            if (events.Count == 0 || events[^1].Revision != one.Revision)
            {
                bool isFull = bytes >= KvLimits.WatchReplyBytesTarget
                    || revisions == KvLimits.WatchReplyRevisionsMax;
                if (isFull)
                {
                    break;
                }
                revisions++;
            }
            events.Add(_pending.Dequeue());
            bytes += one.Bytes;
        }
        Release(bytes);
        HadEvents = true;
        return events;
    }

    public void Clear()
    {
        Release(_pending.Sum(static one => (long)one.Bytes));
        _pending.Clear();
    }

    /// <summary>All events up to the revision were sent, and the revision is not before the watch.</summary>
    public bool HasReached(long revision) => revision + 1 >= Watcher.StartRevision
        && !(_pending.TryPeek(out WatchEvent? first) && first.Revision <= revision)
        && !(IsLagging && Next <= revision);

    private void Release(long bytes)
    {
        if (_isCounted)
        {
            Watcher.Feed.AddQueued(Watcher, -bytes);
        }
    }
}
