using Akka.Actor;
using Akka.Event;
using Kv.Actors.Nodes;
using Kv.Actors.Presence;
using Kv.Core.Merge;

namespace Kv.Actors.Queue;

/// <summary>
/// Brings the node's state together with its peers': before it serves, after each loss of its queue, and
/// whenever states differ for longer than messages are under way. Parent of the node's store and presence.
/// </summary>
internal sealed class AntiEntropyActor : ReceiveActor, IWithTimers
{
    private const int TickMs = 200;

    private readonly QueueNodeOptions _options;
    private readonly Announcement _self;
    private readonly IPeerClient _peers;
    private readonly IActorRef _store;
    private readonly IActorRef _presence;
    private readonly QueueNodeSignals _signals;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly CancellationTokenSource _stopping = new();
    private readonly StabilityTracker _tracker = new();
    private readonly PullPlan _plan;
    private readonly Dictionary<string, Peer> _known = [];

    // The run of the queue that a pull must have begun in to count: nothing is missed from there on.
    private int _attachment;
    private bool _isAttached;
    private bool _isJoined;
    private bool _hasCopied;
    private long _attachedAtMs;
    private CancellationTokenSource? _pulling;

    public AntiEntropyActor(QueueNodeParts parts, QueueNodeOptions options, Announcement self,
        QueueStoreSettings settings, QueueNodeSignals signals)
    {
        _options = options;
        _self = self;
        _peers = parts.Peers;
        _signals = signals;
        _plan = new PullPlan(options.SettleMs, options.PullIntervalMs, options.Presence.SilentMs);
        _store = Context.Watch(Context.ActorOf(
            QueueStoreActor.Props(settings, parts.Commands, parts.LamportFile), "store"));
        _presence = Context.Watch(Context.ActorOf(
            PresenceActor.Props(self, options.Presence, parts.Presence, Self), "presence"));
        signals.Children.TrySetResult((_store, _presence));
        ReceivePresence();
        ReceiveStore();
        Receive<Tick>(_ => OnTick());
        Receive<PullEnded>(OnPullEnded);
        Receive<PullFailed>(OnPullFailed);
        Receive<Terminated>(_ => Context.Stop(Self));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private static long NowMs => (long)Context.System.Scheduler.MonotonicClock.TotalMilliseconds;

    private bool IsByArrival => _options.Order == WriteOrder.Arrival;

    public static Props Props(QueueNodeParts parts, QueueNodeOptions options, Announcement self,
        QueueStoreSettings settings, QueueNodeSignals signals) => Akka.Actor.Props.Create(
            () => new AntiEntropyActor(parts, options, self, settings, signals));

    // A store that failed has lost its state: the node ends, and starts anew as a whole.
    protected override SupervisorStrategy SupervisorStrategy() => new AllForOneStrategy(cause =>
    {
        _log.Error(cause, "A part of node {Node} failed; the node stops", _options.NodeId);
        return Directive.Stop;
    });

    protected override void PreStart() => Timers.StartPeriodicTimer(
        Tick.Instance, Tick.Instance, TimeSpan.FromMilliseconds(TickMs), TimeSpan.FromMilliseconds(TickMs));

    protected override void PostStop()
    {
        _stopping.Cancel();
        _signals.Admitted.TrySetException(new NodeRefusedException("The node stopped before it was let in."));
        _signals.Ended.Cancel();
    }

    private void ReceivePresence()
    {
        Receive<PresenceActor.Admitted>(_ =>
        {
            // Not before: a second node of the same id would read the first one's queue empty.
            _store.Tell(QueueStoreActor.Open.Instance);
            _signals.Admitted.TrySetResult();
        });
        Receive<PresenceActor.Refused>(refused =>
        {
            _signals.Admitted.TrySetException(refused.Because);
            Context.Stop(Self);
        });
        Receive<PresenceActor.Compose>(_ => _store.Tell(QueueStoreActor.Describe.Instance));
        // The queue of commands is lost with it, and tells more.
        Receive<PresenceActor.Unreachable>(_ => { });
        Receive<PresenceActor.Heard>(heard => OnHeard(heard.Announcement));
        Receive<PresenceActor.Gone>(gone =>
        {
            _known.Remove(gone.NodeId);
            _plan.Forget(gone.NodeId);
            _tracker.Forget(gone.NodeId);
        });
    }

    private void ReceiveStore()
    {
        Receive<QueueStoreActor.Attached>(_ =>
        {
            _isAttached = true;
            _isJoined = false;
            _attachment++;
            _attachedAtMs = NowMs;
            _pulling?.Cancel();
            _presence.Tell(PresenceActor.Ask.Instance);
        });
        Receive<QueueStoreActor.Detached>(_ =>
        {
            _isAttached = false;
            _isJoined = false;
            _pulling?.Cancel();
        });
        Receive<QueueStoreActor.Description>(Announce);
        Receive<QueueStoreActor.Compared>(OnCompared);
    }

    private void Announce(QueueStoreActor.Description own)
    {
        _plan.Described(own.Missing, own.Tombstones, NowMs);
        long stable = _isJoined ? _tracker.Stable(own.Settled) : 0;
        if (_isJoined && !IsByArrival)
        {
            _store.Tell(new QueueStoreActor.RaiseFloor(
                _tracker.Floor(own.Settled, NowMs, _options.FloorDelayMs)));
        }
        _presence.Tell(new PresenceActor.Announce(_self with
        {
            State = own.State,
            AppliedOffset = own.Order,
            Digest = own.Digest.ToString(),
            Queue = new QueueAnnouncement(IsByArrival, own.Time, own.Settled, stable, own.Floor, own.Buckets),
        }));
    }

    private void OnHeard(Announcement announcement)
    {
        if (announcement.Queue is not { } queue || queue.ByArrival != IsByArrival) { return; }
        if (!_known.TryGetValue(announcement.NodeId, out Peer? peer))
        {
            _known.Add(announcement.NodeId, peer = new Peer { Announcement = announcement });
        }
        peer.Announcement = announcement;
        peer.HeardAtMs = NowMs;
        if (!IsByArrival) { _store.Tell(new QueueStoreActor.Compare(announcement)); }
    }

    private void OnCompared(QueueStoreActor.Compared compared)
    {
        Announcement peer = compared.Peer;
        _plan.Compared(peer.NodeId, compared.Differing, NowMs);
        _tracker.Announced(peer.NodeId, peer.Incarnation, peer.Queue!.Stable);
        // Equal digests are as good as a pull that found nothing.
        if (compared.Differing == 0)
        {
            _tracker.Covered(peer.NodeId, peer.Incarnation, peer.Queue.Settled);
        }
    }

    private void OnTick()
    {
        if (!_isAttached || _pulling is not null) { return; }
        if (!_isJoined)
        {
            TryJoin();
            return;
        }
        if (IsByArrival) { return; }
        if (_plan.HasGivenUpGaps) { _store.Tell(QueueStoreActor.CloseGaps.Instance); }
        string? peer = _plan.Choose(NowMs, Random.Shared.Next((_options.PullIntervalMs / 2) + 1));
        if (peer is not null && _known.TryGetValue(peer, out Peer? known)) { Pull(known); }
    }

    /// <summary>A peer that serves is best; others may be starting as empty as we are.</summary>
    private void TryJoin()
    {
        if (IsByArrival && _hasCopied)
        {
            Serve();
            return;
        }
        long nowMs = NowMs;
        bool isAlone = nowMs - _attachedAtMs >= _options.AloneAfterMs;
        Peer? peer = _known.Values
            .Where(known => nowMs - known.HeardAtMs <= _options.Presence.SilentMs)
            .Where(known => isAlone || known.Announcement.State == NodeState.Ready)
            .OrderBy(known => known.Failures)
            .ThenByDescending(known => known.Announcement.State == NodeState.Ready)
            .ThenByDescending(known => known.Announcement.AppliedOffset)
            .FirstOrDefault();
        if (peer is not null)
        {
            Pull(peer);
        }
        else if (isAlone)
        {
            Serve();
        }
    }

    private void Serve()
    {
        _isJoined = true;
        _hasCopied = true;
        _store.Tell(QueueStoreActor.Serve.Instance);
        // The others hear at once that one more serves.
        _store.Tell(QueueStoreActor.Describe.Instance);
    }

    private void Pull(Peer peer)
    {
        int attachment = _attachment;
        Announcement from = peer.Announcement;
        _pulling = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        var pull = new StatePull(_store, _peers, _self, IsByArrival, _options.PullTimeoutMs);
        pull.RunAsync(from, _pulling.Token).PipeTo(
            Self,
            success: result => new PullEnded(from, attachment, result),
            failure: cause => new PullFailed(from, attachment, cause));
    }

    private void OnPullEnded(PullEnded ended)
    {
        EndPull();
        if (ended.Attachment != _attachment || !_isAttached) { return; }
        Announcement from = ended.From;
        _plan.Pulled(from.NodeId, NowMs);
        if (ended.Result.Incarnation == from.Incarnation && _known.TryGetValue(from.NodeId, out Peer? peer))
        {
            peer.Failures = 0;
            _tracker.Covered(from.NodeId, from.Incarnation, ended.Result.Settled);
        }
        _log.Info("{Node} merged {Changes} changes from {Peer}", _options.NodeId, ended.Result.Changes,
            from.NodeId);
        if (!_isJoined) { Serve(); }
    }

    private void OnPullFailed(PullFailed failed)
    {
        EndPull();
        if (failed.Attachment != _attachment || _stopping.IsCancellationRequested) { return; }
        if (_known.TryGetValue(failed.From.NodeId, out Peer? peer)) { peer.Failures++; }
        _log.Warning("{Node} could not merge from {Peer} at {Url}: {Cause}",
            _options.NodeId, failed.From.NodeId, failed.From.Url, failed.Cause.Message);
    }

    private void EndPull()
    {
        _pulling?.Dispose();
        _pulling = null;
    }

    private sealed class Peer
    {
        public required Announcement Announcement { get; set; }

        public long HeardAtMs { get; set; }

        public int Failures { get; set; }
    }

    private sealed record Tick
    {
        public static readonly Tick Instance = new();
    }

    private sealed record PullEnded(Announcement From, int Attachment, PullResult Result);

    private sealed record PullFailed(Announcement From, int Attachment, Exception Cause);
}
