namespace Kv.Core.Watch;

/// <summary>What a stream is told, in order: by the hub, by its client, by its clock.</summary>
public abstract record WatchNews
{
    private WatchNews() { }

    public sealed record Asked(WatchDemand Demand) : WatchNews;

    /// <param name="Revision">The store's.</param>
    /// <param name="Past">Its stream reads it from the watch's first revision on; null: it is synced.</param>
    public sealed record Created(Watcher Watcher, long Revision, WatchHistory? Past) : WatchNews;

    /// <param name="Id">What the client is told; -1: none.</param>
    /// <param name="Watcher">Null: there was none.</param>
    public sealed record Refused(long Id, Watcher? Watcher, string Why, long Revision) : WatchNews;

    /// <summary>Mutations by watcher, in their order; all of a revision together.</summary>
    public sealed record Happened(IReadOnlyList<WatchDelivery> Deliveries, long Revision) : WatchNews;

    /// <summary>From this revision on the stream reads for itself.</summary>
    public sealed record Lags(Watcher Watcher, long From, WatchHistory History) : WatchNews;

    /// <summary>From here on the hub gives what comes.</summary>
    public sealed record Synced(Watcher Watcher) : WatchNews;

    public sealed record HistoryGiven(WatchHistory History) : WatchNews;

    public sealed record Cancelled(Watcher Watcher, long Revision) : WatchNews;

    /// <summary>What the hub had for this stream up to the revision stands before it.</summary>
    public sealed record Reached(long Revision, bool IsAsked) : WatchNews;

    /// <summary>It is time to tell watchers how far they are.</summary>
    public sealed record Tick : WatchNews;
}

public readonly record struct WatchDelivery(Watcher Watcher, WatchEvent Event);

/// <summary>What a stream's client asks for.</summary>
public abstract record WatchDemand
{
    private WatchDemand() { }

    /// <param name="Id">0: the stream chooses.</param>
    public sealed record Create(
        long Id,
        WatchedKeys Keys,
        long StartRevision = 0,
        bool WithPrevious = false,
        bool NotifiesProgress = false,
        bool Fragments = false) : WatchDemand;

    /// <summary>A watch that the edge does not allow; the client is told why.</summary>
    public sealed record Refuse(long Id, string Why) : WatchDemand;

    public sealed record Cancel(long Id) : WatchDemand;

    /// <summary>How far are all watches of the stream?</summary>
    public sealed record Progress : WatchDemand;
}

/// <summary>What a stream wants of the hub.</summary>
public abstract record WatchOrder
{
    private WatchOrder() { }

    public sealed record Create(Watcher Watcher) : WatchOrder;

    public sealed record Refuse(long Id, string Why) : WatchOrder;

    /// <summary>Answered with <see cref="WatchNews.Cancelled"/>.</summary>
    public sealed record Cancel(Watcher Watcher) : WatchOrder;

    public sealed record Remove(Watcher Watcher) : WatchOrder;

    /// <summary>
    /// They were read for through their revisions: <see cref="WatchNews.Synced"/>, or not yet.
    /// </summary>
    public sealed record Resume(IReadOnlyList<(Watcher Watcher, long Through)> Watchers) : WatchOrder;

    public sealed record GiveHistory : WatchOrder;

    /// <summary>Answered with <see cref="WatchNews.Reached"/>.</summary>
    public sealed record Reach(bool IsAsked) : WatchOrder;
}

/// <summary>One message to the stream's client.</summary>
/// <param name="Id">The watch's; -1: none, or all of them.</param>
/// <param name="Revision">The store's, as far as the stream knows.</param>
public sealed record WatchReply(WatchReplyKind Kind, long Id, long Revision)
{
    public IReadOnlyList<WatchEvent> Events { get; init; } = [];

    /// <summary>Events are told with the put before them.</summary>
    public bool WithPrevious { get; init; }

    /// <summary>The next message goes on with events of the same revision.</summary>
    public bool IsFragment { get; init; }

    public long CompactedRevision { get; init; }

    public string Why { get; init; } = "";

    /// <summary>A request of the client is done with it.</summary>
    internal bool IsAnswer { get; init; }
}

public enum WatchReplyKind
{
    Created = 1,

    /// <summary>Created and cancelled at once, with a reason.</summary>
    Refused = 2,
    Cancelled = 3,

    /// <summary>Cancelled: what it wants was compacted.</summary>
    Compacted = 4,
    Events = 5,

    /// <summary>All events up to the revision were sent.</summary>
    Progress = 6,
}
