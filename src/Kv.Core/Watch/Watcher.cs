using Kv.Core.Store;

namespace Kv.Core.Watch;

/// <summary>
/// One watch of a stream, as hub and stream both know it. What changes belongs to one of them, but for the
/// bytes under way between the two.
/// </summary>
/// <param name="id">Unique in its stream.</param>
/// <param name="startRevision">The first revision wanted; 0: the next one.</param>
public sealed class Watcher(WatchFeed feed, long id, WatchedKeys keys, long startRevision)
    : WatchIndexEntry(keys)
{
    private long _queuedBytes;

    public WatchFeed Feed { get; } = feed;

    public long Id { get; } = id;

    public long StartRevision { get; } = startRevision;

    /// <summary>Events with the put before them.</summary>
    public bool WithPrevious { get; init; }

    /// <summary>It is told from time to time how far it is.</summary>
    public bool NotifiesProgress { get; init; }

    /// <summary>Large replies may come in parts.</summary>
    public bool Fragments { get; init; }

    /// <summary>The hub's: the first revision that is its to give.</summary>
    internal long From { get; set; }

    /// <summary>The hub's: the last revision it has given of, or put off.</summary>
    internal long Offered { get; set; }

    /// <summary>The hub's: it is no more.</summary>
    internal bool IsGone { get; set; }

    /// <summary>The stream's; null: it is no more.</summary>
    internal WatchLine? Line { get; set; }

    internal long QueuedBytes => Interlocked.Read(ref _queuedBytes);

    internal void AddQueued(long bytes) => Interlocked.Add(ref _queuedBytes, bytes);

    internal bool Wants(KeyRecord record) => record.ModRevision >= From && Keys.Wants(record);
}

/// <summary>
/// The way from the hub to one stream: what is under way on it, and the stream's watchers. Its changing parts
/// are the hub's, but for the bytes under way.
/// </summary>
/// <param name="post">Takes news in order and never waits; any thread.</param>
public sealed class WatchFeed(Action<WatchNews> post)
{
    private long _queuedBytes;

    /// <summary>Bytes of events given and not sent yet; any thread.</summary>
    public long QueuedBytes => Interlocked.Read(ref _queuedBytes);

    internal HashSet<Watcher> Watchers { get; } = [];

    /// <summary>What the present run of mutations has for it so far.</summary>
    internal List<WatchDelivery> Staged { get; private set; } = [];

    /// <summary>Whose queue is full, from some revision of the run on.</summary>
    internal List<WatchNews.Lags> StagedLags { get; } = [];

    internal void Post(WatchNews news) => post(news);

    /// <summary>All of a revision at once: nothing of it may be sent before the rest is known.</summary>
    internal void PostStaged(long revision)
    {
        if (Staged.Count > 0)
        {
            List<WatchDelivery> deliveries = Staged;
            Staged = [];
            post(new WatchNews.Happened(deliveries, revision));
        }
        foreach (WatchNews.Lags lags in StagedLags)
        {
            post(lags);
        }
        StagedLags.Clear();
    }

    /// <summary>
    /// For the first of a revision's events. Where nothing waits there is room for any: a revision is told as
    /// a whole.
    /// </summary>
    internal bool HasRoom(Watcher watcher, int bytes)
    {
        long own = watcher.QueuedBytes;
        long all = QueuedBytes;
        return (own == 0 || own + bytes <= KvLimits.WatcherBytesQueuedMax)
            && (all == 0 || all + bytes <= KvLimits.WatchStreamBytesQueuedMax);
    }

    /// <param name="bytes">Negative: they were sent.</param>
    internal void AddQueued(Watcher watcher, long bytes)
    {
        watcher.AddQueued(bytes);
        Interlocked.Add(ref _queuedBytes, bytes);
    }
}
