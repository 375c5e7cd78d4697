using Kv.Core.Store;

namespace Kv.Core.Watch;

/// <summary>
/// The watches of one stream that read the history, all in one pass and a piece at a time: the next piece is
/// read when what came of the last was sent.
/// </summary>
internal sealed class WatchCatchUp
{
    private readonly List<WatchLine> _lines = [];
    private readonly WatchIndex<WatchLine> _index = new();
    private readonly List<WatchLine> _found = [];
    private readonly List<KeyRecord> _records = [];
    private WatchHistory? _history;

    // Lines of the last piece that still have something to send.
    private int _unsent;

    /// <summary>As of the newest history given.</summary>
    public long CompactedRevision { get; private set; }

    public bool CanRead => _lines.Count > 0 && _unsent == 0 && _history is not null;

    public void Add(WatchLine line, WatchHistory history)
    {
        _lines.Add(line);
        _index.Add(line);
        // What the hub had given before it fell behind goes first.
        _unsent += line.HasPending ? 1 : 0;
        Take(history);
    }

    public void Take(WatchHistory history)
    {
        _history = history;
        CompactedRevision = history.CompactedRevision;
        LetGoIfDone();
    }

    public void NoteSent(WatchLine line) => _unsent -= line.IsIndexed ? 1 : 0;

    public void Remove(WatchLine line)
    {
        if (line.IsIndexed)
        {
            _unsent -= line.HasPending ? 1 : 0;
            _lines.Remove(line);
            _index.Remove(line);
            LetGoIfDone();
        }
    }

    /// <summary>Reads a piece, if it is time; whoever has something to send then becomes ready.</summary>
    public WatchCatchUpStep Read(Queue<WatchLine> ready)
    {
        if (!CanRead)
        {
            return WatchCatchUpStep.None;
        }
        WatchHistory history = _history!;
        WatchLine[] late = [.. _lines.Where(line => line.Next < history.CompactedRevision)];
        WatchLine[] resumed = [.. _lines.Where(line => line.Next > history.Revision)];
        if (late.Length + resumed.Length > 0)
        {
            _lines.RemoveAll(line =>
                line.Next < history.CompactedRevision || line.Next > history.Revision);
            foreach (WatchLine line in late.Concat(resumed))
            {
                _index.Remove(line);
            }
        }
        bool isStale = _lines.Count > 0 && !Read(history, ready);
        if (isStale)
        {
            _history = null;
        }
        LetGoIfDone();
        return new WatchCatchUpStep(late, resumed, isStale, history.Revision);
    }

    private bool Read(WatchHistory history, Queue<WatchLine> ready)
    {
        _records.Clear();
        long from = _lines.Min(static line => line.Next);
        if (!history.TryRead(
            from,
            KvLimits.WatchCatchUpMutationsMax,
            KvLimits.WatchReplyBytesTarget,
            _records,
            out long through))
        {
            return false;
        }
        foreach (KeyRecord record in _records)
        {
            Give(record, history.CompactedRevision, ready);
        }
        _records.Clear();
        _found.Clear();
        foreach (WatchLine line in _lines)
        {
            line.Next = Math.Max(line.Next, through + 1);
        }
        return true;
    }

    // A stream that has come up may live long: it must not hold what the store has let go.
    private void LetGoIfDone()
    {
        if (_lines.Count == 0)
        {
            _history = null;
        }
    }

    private void Give(KeyRecord record, long compactedRevision, Queue<WatchLine> ready)
    {
        _found.Clear();
        _index.Collect(record.Key, _found);
        WatchEvent? one = null;
        foreach (WatchLine line in _found)
        {
            if (record.ModRevision < line.Next || !line.Keys.Passes(record))
            {
                continue;
            }
            if (line.Add(one ??= WatchEvent.Of(record, compactedRevision), isCounted: false))
            {
                ready.Enqueue(line);
                _unsent++;
            }
        }
    }
}

/// <param name="Late">Begin before the compacted revision.</param>
/// <param name="Resumed">Have read all there was.</param>
/// <param name="WantsHistory">What it had was compacted meanwhile.</param>
/// <param name="Revision">Of the history read.</param>
internal sealed record WatchCatchUpStep(
    IReadOnlyList<WatchLine> Late, IReadOnlyList<WatchLine> Resumed, bool WantsHistory, long Revision)
{
    public static WatchCatchUpStep None { get; } = new([], [], false, 0);
}
