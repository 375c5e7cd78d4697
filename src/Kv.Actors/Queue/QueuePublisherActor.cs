using Akka.Actor;
using Akka.Event;
using Kv.Actors.Fanouts;

namespace Kv.Actors.Queue;

/// <summary>
/// Publishes this node's messages and repeats each unchanged, in order, until it was read back: a message
/// never read back would leave a gap in this node's numbers that the others see for ever.
/// </summary>
/// <remarks>It holds no more than the store has in flight, which is bounded there.</remarks>
internal sealed class QueuePublisherActor : ReceiveActor, IWithTimers
{
    private readonly IFanout _fanout;
    private readonly TimeSpan _retryDelay;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly CancellationTokenSource _stopping = new();

    // One warning tells of a run of failures.
    private bool _isFailing;

    // Published and not read back, by sequence.
    private readonly SortedDictionary<long, Entry> _unread = [];

    public QueuePublisherActor(IFanout fanout, int retryDelayMs)
    {
        _fanout = fanout;
        _retryDelay = TimeSpan.FromMilliseconds(retryDelayMs);
        Receive<Publish>(publish =>
        {
            var entry = new Entry(publish.Message);
            _unread.Add(publish.Sequence, entry);
            Send(publish.Sequence, entry);
        });
        Receive<ReadBack>(read => _unread.Remove(read.Sequence));
        Receive<Published>(published =>
        {
            _isFailing = false;
            Settle(published.Sequence, confirmed: true);
        });
        Receive<NotPublished>(OnNotPublished);
        Receive<Retry>(_ => SendAll(unconfirmedOnly: true));
        Receive<PublishAllAgain>(_ => SendAll(unconfirmedOnly: false));
    }

    public sealed record Publish(long Sequence, FanoutMessage Message);

    public sealed record ReadBack(long Sequence);

    /// <summary>The queue was bound anew: what was confirmed before may have missed it.</summary>
    public sealed record PublishAllAgain
    {
        public static readonly PublishAllAgain Instance = new();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(IFanout fanout, int retryDelayMs) =>
        Akka.Actor.Props.Create(() => new QueuePublisherActor(fanout, retryDelayMs));

    protected override void PostStop() => _stopping.Cancel();

    private void Send(long sequence, Entry entry)
    {
        entry.IsUnderWay = true;
        entry.IsConfirmed = false;
        _fanout.PublishAsync(entry.Message, _stopping.Token).PipeTo(
            Self,
            success: () => new Published(sequence),
            failure: cause => new NotPublished(sequence, cause));
    }

    private void SendAll(bool unconfirmedOnly)
    {
        foreach ((long sequence, Entry entry) in _unread)
        {
            if (!entry.IsUnderWay && !(unconfirmedOnly && entry.IsConfirmed)) { Send(sequence, entry); }
        }
    }

    private void OnNotPublished(NotPublished failed)
    {
        Settle(failed.Sequence, confirmed: false);
        if (!_unread.ContainsKey(failed.Sequence) || Timers.IsTimerActive(Retry.Instance)) { return; }
        if (!_isFailing)
        {
            _log.Warning("Message {Sequence} and later ones are published again every {DelayMs} ms: {Cause}",
                failed.Sequence, (long)_retryDelay.TotalMilliseconds, failed.Cause.Message);
        }
        _isFailing = true;
        Timers.StartSingleTimer(Retry.Instance, Retry.Instance, _retryDelay);
    }

    private void Settle(long sequence, bool confirmed)
    {
        if (!_unread.TryGetValue(sequence, out Entry? entry)) { return; }
        entry.IsUnderWay = false;
        entry.IsConfirmed = confirmed;
    }

    private sealed class Entry(FanoutMessage message)
    {
        public FanoutMessage Message { get; } = message;

        public bool IsUnderWay { get; set; }

        public bool IsConfirmed { get; set; }
    }

    private sealed record Published(long Sequence);

    private sealed record NotPublished(long Sequence, Exception Cause);

    private sealed record Retry
    {
        public static readonly Retry Instance = new();
    }
}
