using System.Diagnostics;
using Kv.Core.Store;

namespace Kv.Core.Watch;

/// <summary>
/// Gives each mutation to the streams whose watchers want it. A watcher that is synced is given everything as
/// it comes; one that begins in the past, or whose queue is full, reads the history at its stream's own pace
/// until it has come up. One owner; nothing here waits for a stream.
/// </summary>
/// <param name="now">What was written so far.</param>
public sealed class WatchHub(WatchHistory now)
{
    private readonly WatchIndex<Watcher> _synced = new();
    private readonly List<Watcher> _found = [];
    private readonly List<WatchFeed> _touched = [];
    private readonly List<KeyRecord> _records = [];

    public WatchHistory Now { get; private set; } = now;

    public int Watchers { get; private set; }

    /// <summary>Mutations behind <see cref="Now"/>.</summary>
    /// <param name="events">In their order; all of a revision.</param>
    /// <param name="now">With them.</param>
    public void Add(IReadOnlyList<WatchEvent> events, WatchHistory now)
    {
        Now = now;
        if (_synced.Count == 0)
        {
            return;
        }
        foreach (WatchEvent one in events)
        {
            _found.Clear();
            _synced.Collect(one.Record.Key, _found);
            foreach (Watcher watcher in _found)
            {
                if (one.Revision >= watcher.From && watcher.Keys.Passes(one.Record))
                {
                    Offer(watcher, one);
                }
            }
        }
        _found.Clear();
        PostStaged();
    }

    /// <summary>Where nobody watches nothing has to be given on.</summary>
    public void Skip(WatchHistory now) => Now = now;

    /// <param name="feed">Of the stream that sends the order.</param>
    public void Take(WatchFeed feed, WatchOrder order)
    {
        switch (order)
        {
            case WatchOrder.Create create:
                Create(feed, create.Watcher);
                break;
            case WatchOrder.Refuse refuse:
                feed.Post(new WatchNews.Refused(refuse.Id, null, refuse.Why, Now.Revision));
                break;
            case WatchOrder.Cancel cancel:
                Remove(cancel.Watcher);
                feed.Post(new WatchNews.Cancelled(cancel.Watcher, Now.Revision));
                break;
            case WatchOrder.Remove remove:
                Remove(remove.Watcher);
                break;
            case WatchOrder.Resume resume:
                Resume(resume.Watchers);
                break;
            case WatchOrder.GiveHistory:
                feed.Post(new WatchNews.HistoryGiven(Now));
                break;
            case WatchOrder.Reach reach:
                feed.Post(new WatchNews.Reached(Now.Revision, reach.IsAsked));
                break;
            default:
                throw new UnreachableException($"Unknown order {order.GetType().Name}.");
        }
    }

    /// <summary>The stream is no more.</summary>
    public void Close(WatchFeed feed)
    {
        foreach (Watcher watcher in feed.Watchers)
        {
            Leave(watcher);
        }
        feed.Watchers.Clear();
    }

    private void Create(WatchFeed feed, Watcher watcher)
    {
        if (Watchers >= KvLimits.WatchersMax)
        {
            watcher.IsGone = true;
            feed.Post(new WatchNews.Refused(
                -1, watcher, $"This node has {Watchers} watches and takes no more.", Now.Revision));
            return;
        }
        Watchers++;
        feed.Watchers.Add(watcher);
        watcher.From = watcher.StartRevision == 0 ? Now.Revision + 1 : watcher.StartRevision;
        bool isSynced = watcher.From > Now.Revision;
        if (isSynced)
        {
            _synced.Add(watcher);
        }
        feed.Post(new WatchNews.Created(watcher, Now.Revision, isSynced ? null : Now));
    }

    private void Remove(Watcher watcher)
    {
        if (watcher.Feed.Watchers.Remove(watcher))
        {
            Leave(watcher);
        }
    }

    private void Leave(Watcher watcher)
    {
        watcher.IsGone = true;
        Watchers--;
        if (watcher.IsIndexed)
        {
            _synced.Remove(watcher);
        }
    }

    private void Offer(Watcher watcher, WatchEvent one)
    {
        if (!watcher.IsIndexed)
        {
            return;
        }
        WatchFeed feed = watcher.Feed;
        int bytes = one.Bytes;
        if (watcher.Offered != one.Revision)
        {
            watcher.Offered = one.Revision;
            if (!feed.HasRoom(watcher, bytes))
            {
                FallBehind(watcher, one.Revision);
                return;
            }
        }
        Touch(feed);
        feed.Staged.Add(new WatchDelivery(watcher, one));
        feed.AddQueued(watcher, bytes);
    }

    private void FallBehind(Watcher watcher, long from)
    {
        _synced.Remove(watcher);
        Touch(watcher.Feed);
        watcher.Feed.StagedLags.Add(new WatchNews.Lags(watcher, from, Now));
    }

    private void Touch(WatchFeed feed)
    {
        if (feed.Staged.Count == 0 && feed.StagedLags.Count == 0)
        {
            _touched.Add(feed);
        }
    }

    private void PostStaged()
    {
        foreach (WatchFeed feed in _touched)
        {
            feed.PostStaged(Now.Revision);
        }
        _touched.Clear();
    }

    private void Resume(IReadOnlyList<(Watcher Watcher, long Through)> watchers)
    {
        List<Watcher>? behind = null;
        long first = long.MaxValue;
        foreach ((Watcher watcher, long through) in watchers)
        {
            if (watcher.IsGone)
            {
                continue;
            }
            watcher.From = through + 1;
            if (through >= Now.Revision)
            {
                Sync(watcher);
            }
            else
            {
                (behind ??= []).Add(watcher);
                first = Math.Min(first, watcher.From);
            }
        }
        if (behind is not null)
        {
            GiveTheRest(behind, first);
        }
    }

    // While much is written a stream would never come up by itself: the last few are given from here.
    private void GiveTheRest(List<Watcher> behind, long first)
    {
        _records.Clear();
        int recordsMax = KvLimits.WatchRestComparesMax / behind.Count;
        bool isFew = first >= Now.CompactedRevision
            && Now.TryRead(first, recordsMax, long.MaxValue, _records, out long through)
            && through == Now.Revision;
        if (isFew)
        {
            GiveTheRest(behind);
        }
        else
        {
            foreach (Watcher watcher in behind)
            {
                watcher.Feed.Post(new WatchNews.Lags(watcher, watcher.From, Now));
            }
        }
        _records.Clear();
    }

    private void GiveTheRest(List<Watcher> behind)
    {
        behind.ForEach(_synced.Add);
        foreach (KeyRecord record in _records)
        {
            var one = WatchEvent.Of(record, Now.CompactedRevision);
            foreach (Watcher watcher in behind)
            {
                if (watcher.Wants(record))
                {
                    Offer(watcher, one);
                }
            }
        }
        PostStaged();
        // Behind the rest: a stream that takes itself for synced has all that was written before.
        foreach (Watcher watcher in behind)
        {
            if (watcher.IsIndexed)
            {
                watcher.Feed.Post(new WatchNews.Synced(watcher));
            }
        }
    }

    private void Sync(Watcher watcher)
    {
        _synced.Add(watcher);
        watcher.Feed.Post(new WatchNews.Synced(watcher));
    }
}
