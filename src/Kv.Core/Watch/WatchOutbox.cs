using System.Diagnostics;

namespace Kv.Core.Watch;

/// <summary>
/// One stream of watches: takes news, gives replies one at a time, so that nothing is made before the client
/// has room for it. Watches take turns. One owner.
/// </summary>
public sealed class WatchOutbox(WatchFeed feed)
{
    private const string DuplicateId = "mvcc: duplicate watch ID provided on the WatchStream";
    private const string EmptyRange = "mvcc: watcher range is empty";

    // Under their ids; a watch that the hub has yet to create has no line.
    private readonly Dictionary<long, Watcher> _watchers = [];
    private readonly Queue<WatchReply> _answers = new();

    // Each that has something to send stands in it once; those that are gone pass.
    private readonly Queue<WatchLine> _ready = new();
    private readonly WatchCatchUp _catchUp = new();

    // What is left of a reply in parts: clients put those together that follow each other.
    private readonly Queue<WatchReply> _fragments = new();
    private readonly List<WatchOrder> _orders = [];
    private long _revision;
    private long _nextId;
    private int _settled;

    // Asked for while not all was sent: told when it was.
    private long? _progressDue;

    // Cancelled by the client, which was not told yet: to it they are there, and get nothing more.
    private int _leaving;

    public int Watches => _watchers.Count;

    /// <summary>There may be a reply without further news: <see cref="Next"/> is to be asked again.</summary>
    public bool IsBusy => _ready.Count > 0 || _answers.Count > 0 || _catchUp.CanRead;

    /// <summary>What the hub is to be told; the caller's from then on.</summary>
    public IReadOnlyList<WatchOrder> TakeOrders()
    {
        if (_orders.Count == 0)
        {
            return [];
        }
        WatchOrder[] orders = [.. _orders];
        _orders.Clear();
        return orders;
    }

    /// <summary>Requests done with since the last call: their answers were given, or there is none.</summary>
    public int TakeSettled()
    {
        int settled = _settled;
        _settled = 0;
        return settled;
    }

    public void Take(WatchNews news)
    {
        switch (news)
        {
            case WatchNews.Asked asked:
                Take(asked.Demand);
                break;
            case WatchNews.Happened happened:
                Take(happened);
                break;
            case WatchNews.Created created:
                Take(created);
                break;
            case WatchNews.Refused refused:
                Take(refused);
                break;
            case WatchNews.Lags { Watcher.Line: { } line } lags:
                FallBehind(line, lags.From, lags.History);
                break;
            case WatchNews.Synced { Watcher.Line: { } line }:
                line.CatchUp();
                break;
            case WatchNews.HistoryGiven given:
                _catchUp.Take(given.History);
                break;
            case WatchNews.Cancelled cancelled:
                _leaving--;
                Answer(new WatchReply(
                    WatchReplyKind.Cancelled, cancelled.Watcher.Id, Seen(cancelled.Revision))
                {
                    IsAnswer = true,
                });
                break;
            case WatchNews.Reached reached:
                Take(reached);
                break;
            case WatchNews.Tick:
                if (_watchers.Values.Any(static watcher => watcher.NotifiesProgress))
                {
                    _orders.Add(new WatchOrder.Reach(IsAsked: false));
                }
                break;
            case WatchNews.Lags or WatchNews.Synced:
                // It was cancelled meanwhile.
                break;
            default:
                throw new UnreachableException($"Unknown news {news.GetType().Name}.");
        }
    }

    /// <returns>Null: nothing now; with <see cref="IsBusy"/> nothing yet.</returns>
    public WatchReply? Next()
    {
        if (_fragments.TryDequeue(out WatchReply? fragment))
        {
            return fragment;
        }
        foreach (WatchLine late in CatchUp())
        {
            Leave(late.Watcher);
            _orders.Add(new WatchOrder.Remove(late.Watcher));
            // The header has no revision, as etcd has it.
            Answer(new WatchReply(WatchReplyKind.Compacted, late.Watcher.Id, Revision: 0)
            {
                CompactedRevision = _catchUp.CompactedRevision,
            });
        }
        if (_answers.TryDequeue(out WatchReply? answer))
        {
            _settled += answer.IsAnswer ? 1 : 0;
            return answer;
        }
        if (_progressDue is { } due && HasReached(due))
        {
            _progressDue = null;
            return new WatchReply(WatchReplyKind.Progress, -1, due);
        }
        while (_ready.TryDequeue(out WatchLine? line))
        {
            if (line.HasPending)
            {
                return Reply(line);
            }
        }
        return null;
    }

    private void Take(WatchDemand demand)
    {
        switch (demand)
        {
            case WatchDemand.Create create:
                Create(create);
                break;
            case WatchDemand.Refuse refuse:
                _orders.Add(new WatchOrder.Refuse(refuse.Id, refuse.Why));
                break;
            case WatchDemand.Cancel cancel when _watchers.TryGetValue(cancel.Id, out Watcher? watcher):
                Leave(watcher);
                _leaving++;
                _orders.Add(new WatchOrder.Cancel(watcher));
                break;
            case WatchDemand.Cancel:
                // As etcd: nothing to say about what is not there.
                _settled++;
                break;
            case WatchDemand.Progress:
                _orders.Add(new WatchOrder.Reach(IsAsked: true));
                break;
            default:
                throw new UnreachableException($"Unknown demand {demand.GetType().Name}.");
        }
    }

    private void Create(WatchDemand.Create create)
    {
        if (create.Keys.IsEmpty)
        {
            _orders.Add(new WatchOrder.Refuse(-1, EmptyRange));
            return;
        }
        long id = create.Id;
        if (id == 0)
        {
            while (_watchers.ContainsKey(_nextId))
            {
                _nextId++;
            }
            id = _nextId++;
        }
        var watcher = new Watcher(feed, id, create.Keys, create.StartRevision)
        {
            WithPrevious = create.WithPrevious,
            NotifiesProgress = create.NotifiesProgress,
            Fragments = create.Fragments,
        };
        _orders.Add(_watchers.TryAdd(id, watcher)
            ? new WatchOrder.Create(watcher)
            : new WatchOrder.Refuse(-1, DuplicateId));
    }

    private void Take(WatchNews.Created created)
    {
        Watcher watcher = created.Watcher;
        if (_watchers.GetValueOrDefault(watcher.Id) == watcher)
        {
            watcher.Line = new WatchLine(watcher);
            if (created.Past is { } past)
            {
                FallBehind(watcher.Line, watcher.StartRevision, past);
            }
        }
        Seen(created.Revision);
        Answer(new WatchReply(WatchReplyKind.Created, watcher.Id, created.Revision)
        {
            IsAnswer = true,
        });
    }

    private void FallBehind(WatchLine line, long from, WatchHistory history)
    {
        line.FallBehind(from);
        _catchUp.Add(line, history);
    }

    private void Take(WatchNews.Refused refused)
    {
        if (refused.Watcher is { } watcher && _watchers.GetValueOrDefault(watcher.Id) == watcher)
        {
            _watchers.Remove(watcher.Id);
        }
        Answer(new WatchReply(WatchReplyKind.Refused, refused.Id, Seen(refused.Revision))
        {
            Why = refused.Why,
            IsAnswer = true,
        });
    }

    private void Take(WatchNews.Happened happened)
    {
        Seen(happened.Revision);
        foreach ((Watcher watcher, WatchEvent one) in happened.Deliveries)
        {
            if (watcher.Line is not { } line)
            {
                feed.AddQueued(watcher, -one.Bytes);
            }
            else if (line.Add(one, isCounted: true))
            {
                _ready.Enqueue(line);
            }
        }
    }

    private void Take(WatchNews.Reached reached)
    {
        Seen(reached.Revision);
        if (reached.IsAsked)
        {
            _settled++;
            _progressDue = reached.Revision;
            return;
        }
        foreach (Watcher watcher in _watchers.Values)
        {
            if (!watcher.NotifiesProgress || watcher.Line is not { } line)
            {
                continue;
            }
            if (!line.HadEvents && line.HasReached(reached.Revision))
            {
                Answer(new WatchReply(WatchReplyKind.Progress, watcher.Id, reached.Revision));
            }
            line.HadEvents = false;
        }
    }

    private IReadOnlyList<WatchLine> CatchUp()
    {
        WatchCatchUpStep step = _catchUp.Read(_ready);
        if (step.Resumed.Count > 0)
        {
            _orders.Add(new WatchOrder.Resume(
                [.. step.Resumed.Select(static line => (line.Watcher, line.Next - 1))]));
        }
        if (step.WantsHistory)
        {
            _orders.Add(new WatchOrder.GiveHistory());
        }
        Seen(step.Revision);
        return step.Late;
    }

    private WatchReply Reply(WatchLine line)
    {
        List<WatchEvent> events = line.TakeReply();
        if (line.HasPending)
        {
            _ready.Enqueue(line);
        }
        else
        {
            _catchUp.NoteSent(line);
        }
        Watcher watcher = line.Watcher;
        var reply = new WatchReply(
            WatchReplyKind.Events, watcher.Id, Math.Max(_revision, events[^1].Revision))
        {
            Events = events,
            WithPrevious = watcher.WithPrevious,
        };
        if (!watcher.Fragments || !Split(reply))
        {
            return reply;
        }
        return _fragments.Dequeue();
    }

    private bool Split(WatchReply reply)
    {
        int from = 0;
        long bytes = 0;
        for (int at = 0; at < reply.Events.Count; at++)
        {
            int more = reply.Events[at].Bytes;
            if (at > from && bytes + more >= KvLimits.WatchFragmentBytesMax)
            {
                _fragments.Enqueue(reply with { Events = Part(from, at), IsFragment = true });
                (from, bytes) = (at, 0);
            }
            bytes += more;
        }
        if (from == 0)
        {
            return false;
        }
        _fragments.Enqueue(reply with { Events = Part(from, reply.Events.Count) });
        return true;

        WatchEvent[] Part(int start, int end) => [.. reply.Events.Skip(start).Take(end - start)];
    }

    private void Leave(Watcher watcher)
    {
        _watchers.Remove(watcher.Id);
        if (watcher.Line is { } line)
        {
            watcher.Line = null;
            _catchUp.Remove(line);
            line.Clear();
        }
    }

    private bool HasReached(long revision) => _leaving == 0
        && _watchers.Values.All(watcher => watcher.Line is null || watcher.Line.HasReached(revision));

    private long Seen(long revision) => _revision = Math.Max(_revision, revision);

    private void Answer(WatchReply reply) => _answers.Enqueue(reply);
}
