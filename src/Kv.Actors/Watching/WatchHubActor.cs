using Akka.Actor;
using Kv.Actors.Nodes;
using Kv.Actors.Store;
using Kv.Core;
using Kv.Core.Watch;

namespace Kv.Actors.Watching;

/// <summary>
/// Gives what the store applies to the streams that watch it; which event goes to whom is decided by <see
/// cref="WatchHub"/>. While nobody watches, the store tells it nothing. When the node does not serve any
/// more, all streams end: their clients go on at another node, from the revision they have.
/// </summary>
internal sealed class WatchHubActor : ReceiveActor, IWithTimers
{
    /// <summary>Answered by <see cref="WatchSession.Open"/> or <see cref="WatchSession.End"/>.</summary>
    public sealed record Open(WatchSession Session);

    public sealed record Close(WatchSession Session);

    public sealed record Ordered(WatchSession Session, IReadOnlyList<WatchOrder> Orders);

    /// <summary>From the node's edge: it stops.</summary>
    public sealed record Stop;

    private sealed record LookAtGate;

    /// <summary>Time between two looks whether the node still serves, while nothing is written, ms.</summary>
    private const int GateLookMs = 500;

    private readonly IActorRef _store;
    private readonly Func<string> _notServingBecause;
    private readonly HashSet<WatchSession> _sessions = [];

    // The store answers in this order.
    private readonly Queue<WatchSession> _opening = new();
    private readonly WatchHub _hub = new(new WatchHistory(default, 0, 0));
    private bool _stops;

    /// <param name="notServingBecause">Why the node does not serve, whatever its store is; empty: it does.
    /// </param>
    public static Props Props(IActorRef store, Func<string> notServingBecause) => Akka.Actor.Props.Create(
        () => new WatchHubActor(store, notServingBecause));

    public WatchHubActor(IActorRef store, Func<string> notServingBecause)
    {
        _store = store;
        _notServingBecause = notServingBecause;
        Receive<Open>(open => BeginOpening(open.Session));
        Receive<StoreActor.Following>(following => EndOpening(following.Now));
        Receive<StoreActor.NotServing>(refused =>
            _opening.Dequeue().End(new KvException(refused.Code, refused.Why)));
        Receive<StoreActor.Changes>(Give);
        Receive<StoreActor.ServesNoMore>(no => EndAll(new KvException(no.Code, no.Why)));
        Receive<Ordered>(Take);
        Receive<Close>(close => Leave(close.Session));
        Receive<Stop>(_ =>
        {
            _stops = true;
            EndAll(new KvException(KvError.Stopping, "The node stops."));
        });
        Receive<LookAtGate>(_ => IsHeld());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart() => Timers.StartPeriodicTimer(
        nameof(LookAtGate), new LookAtGate(), TimeSpan.FromMilliseconds(GateLookMs));

    protected override void PostStop()
    {
        EndAll(new KvException(KvError.NotReady, "This node starts its parts anew."));
        foreach (WatchSession session in _opening)
        {
            session.End(new KvException(KvError.NotReady, "This node starts its parts anew."));
        }
    }

    private void BeginOpening(WatchSession session)
    {
        if (_stops)
        {
            session.End(new KvException(KvError.Stopping, "The node stops."));
        }
        else if (_sessions.Count + _opening.Count >= KvLimits.WatchStreamsMax)
        {
            session.End(new KvException(
                KvError.Overloaded,
                $"This node has {KvLimits.WatchStreamsMax} streams of watches and takes no more."));
        }
        else
        {
            _opening.Enqueue(session);
            _store.Tell(new StoreActor.FollowChanges());
        }
    }

    private void EndOpening(WatchHistory now)
    {
        WatchSession session = _opening.Dequeue();
        if (session.IsClosed)
        {
            UnfollowIfAlone();
            return;
        }
        if (_sessions.Count == 0)
        {
            _hub.Skip(now);
        }
        _sessions.Add(session);
        if (!IsHeld())
        {
            session.Open();
        }
    }

    private void Give(StoreActor.Changes changes)
    {
        // Nothing that peers may know to be another log's.
        if (!IsHeld())
        {
            _hub.Add(changes.Events, changes.Now);
        }
    }

    private void Take(Ordered ordered)
    {
        if (!_sessions.Contains(ordered.Session))
        {
            return;
        }
        foreach (WatchOrder order in ordered.Orders)
        {
            _hub.Take(ordered.Session.Feed, order);
        }
    }

    private void Leave(WatchSession session)
    {
        if (_sessions.Remove(session))
        {
            _hub.Close(session.Feed);
            UnfollowIfAlone();
        }
    }

    private bool IsHeld()
    {
        string why = _notServingBecause();
        if (why.Length > 0)
        {
            EndAll(new KvException(KvError.NotReady, why));
        }
        return why.Length > 0;
    }

    private void EndAll(KvException why)
    {
        foreach (WatchSession session in _sessions)
        {
            session.End(why);
            _hub.Close(session.Feed);
        }
        _sessions.Clear();
        UnfollowIfAlone();
    }

    private void UnfollowIfAlone()
    {
        if (_sessions.Count + _opening.Count == 0)
        {
            _store.Tell(new StoreActor.UnfollowChanges());
            // It would hold what the store lets go.
            _hub.Skip(new WatchHistory(default, 0, 0));
        }
    }
}
