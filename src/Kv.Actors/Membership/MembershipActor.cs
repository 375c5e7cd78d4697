using Akka.Actor;
using Akka.Event;
using Kv.Actors.Fanouts;
using Kv.Actors.Leasing;
using Kv.Actors.Log;
using Kv.Actors.Nodes;
using Kv.Actors.Presence;
using Kv.Actors.Proposals;
using Kv.Actors.Store;

namespace Kv.Actors.Membership;

/// <summary>
/// A node of stream mode among its peers: announces it, also before it has a log and when it has halted, and
/// holds what the peers announce against its own store. Decisions are <see cref="PeerClaims"/>'.
/// </summary>
internal sealed class MembershipActor : ReceiveActor, IWithTimers
{
    /// <summary>From the node: whom to ask and to tell.</summary>
    /// <param name="Feed">Told <see cref="LogFeedActor.SeekTail"/>.</param>
    /// <param name="Proposals">Told <see cref="ProposalActor.MembersSeen"/>.</param>
    /// <param name="Lessor">Told <see cref="LessorActor.Present"/>.</param>
    public sealed record Attach(IActorRef Store, IActorRef Feed, IActorRef Proposals, IActorRef Lessor);

    /// <summary>From the node: its store belongs to this cluster.</summary>
    public sealed record ClusterKnown(ulong ClusterId);

    /// <summary>Alarms logged by one life; there are as many as members that disagree.</summary>
    private const int AlarmsLoggedMax = 1_024;

    /// <summary>From the node: its feed connects to the log anew.</summary>
    public sealed record Reconnected;

    /// <summary>Why nothing is served right after that.</summary>
    internal const string Reconnecting =
        "The log was connected anew; this node asks its peers what they have of it.";

    private readonly MembershipOptions _options;
    private readonly MembershipSignals _signals;
    private readonly Announcement _self;
    private readonly IActorRef _presence;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly PeerClaims _claims = new();
    private readonly PeerAddresses _addresses;
    private readonly HashSet<string> _alarmsLogged = [];

    // what the live members of this cluster run, by node id, without this node
    private readonly Dictionary<string, MemberVersions> _versions = [];

    // the live members of this cluster that serve, without this node
    private readonly HashSet<string> _serving = [];
    private IActorRef _store = ActorRefs.Nobody;
    private IActorRef _feed = ActorRefs.Nobody;
    private IActorRef _proposals = ActorRefs.Nobody;
    private IActorRef _lessor = ActorRefs.Nobody;
    private StoreActor.ResumePoint? _applied;
    private string _clusterId;
    private bool _isServing;
    private bool _hasServed;
    private long? _reconnectedAtMs;
    private bool _hasHalted;
    private long _seekAgainAtMs;

    public MembershipActor(
        MembershipOptions options, Announcement self, IFanout presence, MembershipSignals signals)
    {
        _options = options;
        _signals = signals;
        _self = self;
        _clusterId = self.ClusterId;
        _addresses = new PeerAddresses(options.Presence.SilentMs);
        _presence = Context.ActorOf(
            PresenceActor.Props(self, options.Presence, presence, Self), "presence");
        signals.Presence.TrySetResult(_presence);
        Receive<PresenceActor.Admitted>(_ => _signals.Admitted.TrySetResult());
        Receive<PresenceActor.Refused>(refused => _signals.Admitted.TrySetException(refused.Because));
        Receive<PresenceActor.Compose>(_ => Compose());
        Receive<PresenceActor.Heard>(heard => Hear(heard.Announcement));
        Receive<PresenceActor.Gone>(gone => Forget(gone.NodeId));
        Receive<PresenceActor.Unreachable>(lost => _signals.Trouble = lost.Why);
        Receive<Attach>(attach => (_store, _feed, _proposals, _lessor) =
            (attach.Store, attach.Feed, attach.Proposals, attach.Lessor));
        Receive<ClusterKnown>(known =>
        {
            _clusterId = ClusterText(known.ClusterId);
            CompareClaims();
        });
        Receive<StoreActor.StoreStatus>(Announce);
        Receive<StoreActor.Compared>(compared =>
        {
            _claims.Settle(compared.Claim, compared.Verdict);
            Judge();
        });
        Receive<Recheck>(_ => CompareClaims());
        Receive<Reconnected>(_ => AskPeersAgain());
        Receive<PeersAsked>(_ => EndAsking());
        Receive<LogFeedActor.TailFound>(tail =>
        {
            _claims.SettleTail(_clusterId, tail.Offset, tail.SoughtAtMs);
            Judge();
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private static long NowMs => (long)Context.System.Scheduler.MonotonicClock.TotalMilliseconds;

    public static Props Props(
        MembershipOptions options, Announcement self, IFanout presence, MembershipSignals signals) =>
        Akka.Actor.Props.Create(() => new MembershipActor(options, self, presence, signals));

    internal static string ClusterText(ulong clusterId) => clusterId == 0 ? "" : clusterId.ToString("x16");

    // Presence that fails by a bug harms nobody; it begins anew and asks who is there.
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(
        maxNrOfRetries: 3,
        withinTimeRange: TimeSpan.FromMinutes(1),
        localOnlyDecider: static _ => Directive.Restart);

    private void Compose()
    {
        if (_store.IsNobody())
        {
            _presence.Tell(new PresenceActor.Announce(_self with { ClusterId = _clusterId }));
        }
        else
        {
            _store.Tell(new StoreActor.GetStatus());
        }
        SeekTailIfOverdue();
    }

    private void Announce(StoreActor.StoreStatus own)
    {
        if (own.ClusterId != 0)
        {
            _applied = new StoreActor.ResumePoint(own.AppliedOffset, own.ClusterId, own.Chain);
        }
        _hasHalted = own.State == NodeState.Halted;
        bool isHeld = own.State == NodeState.Ready && !_isServing;
        _presence.Tell(new PresenceActor.Announce(_self with
        {
            State = isHeld ? NodeState.Starting : own.State,
            ClusterId = _clusterId,
            AppliedOffset = own.AppliedOffset,
            Revision = own.Revision,
            Digest = own.Chain.ToString(),
            Contents = own.Contents.ToString(),
            Divergence = _claims.Divergence(_clusterId),
        }));
        if (own.State == NodeState.Ready)
        {
            _proposals.Tell(new ProposalActor.MembersSeen(
                own.Log.ClusterVersion, own.Log.ClusterSize, [VersionsOf(_self), .. _versions.Values]));
            _lessor.Tell(new LessorActor.Present([_self.NodeId, .. _serving]));
        }
    }

    private static MemberVersions VersionsOf(Announcement member) =>
        new(member.NodeId, member.ApplyVersions.Min(), member.ApplyVersions.Max());

    private void Hear(Announcement announced)
    {
        if (announced.Mode != ReplicationMode.Stream)
        {
            return;
        }
        if (announced.ApplyVersions.Count > 0 && announced.ClusterId == _clusterId)
        {
            _versions[announced.NodeId] = VersionsOf(announced);
        }
        if (announced.State == NodeState.Ready && announced.ClusterId == _clusterId)
        {
            _serving.Add(announced.NodeId);
        }
        else
        {
            _serving.Remove(announced.NodeId);
        }
        _claims.Hear(announced, NowMs);
        _addresses.Hear(announced, NowMs);
        _signals.Peers = _addresses.Of(_clusterId, NowMs, _options.PeersOfSettings);
        _signals.ClusterNearby = _addresses.ClusterNearby();
        CompareClaims();
    }

    private void Forget(string nodeId)
    {
        _versions.Remove(nodeId);
        _serving.Remove(nodeId);
        _claims.Forget(nodeId);
        _addresses.Forget(nodeId);
        _signals.Peers = _addresses.Of(_clusterId, NowMs, _options.PeersOfSettings);
        _signals.ClusterNearby = _addresses.ClusterNearby();
        Judge();
    }

    private void CompareClaims()
    {
        foreach (PeerClaim claim in _claims.Unsettled(_clusterId))
        {
            _store.Tell(new StoreActor.Compare(claim));
        }
        Judge();
    }

    private void Judge()
    {
        string whyNotReady = _claims.WhyNotReady(_clusterId);
        if (!_isServing
            && _reconnectedAtMs is null
            && _clusterId.Length > 0
            && !_store.IsNobody()
            && whyNotReady.Length == 0)
        {
            (_isServing, _hasServed) = (true, true);
            _signals.Gate.Open();
        }
        if (!_isServing && whyNotReady.Length > 0)
        {
            _signals.Gate.Hold(whyNotReady);
        }
        string whyNoWrites = _claims.WhyNoWrites(_clusterId);
        _signals.Gate.StopWrites(whyNoWrites);
        string lostTail = _claims.LostTail(_clusterId);
        LogOnce(whyNoWrites);
        LogOnce(lostTail);
        if (_hasServed && lostTail.Length > 0 && !_hasHalted)
        {
            _store.Tell(new StoreActor.HaltNow(lostTail));
        }
        if (_claims.Unsettled(_clusterId).Count > 0)
        {
            Timers.StartSingleTimer(
                nameof(Recheck), new Recheck(), TimeSpan.FromMilliseconds(_options.RecheckMs));
        }
    }

    // A log that was rewritten while nobody was connected looks like the old one to a node that lags: only
    // the peers know what it has lost. Their word comes within the time a start gives them.
    private void AskPeersAgain()
    {
        _isServing = false;
        _reconnectedAtMs = NowMs;
        _signals.Gate.Hold(Reconnecting);
        _presence.Tell(PresenceActor.Ask.Instance);
        WaitForPeers();
    }

    private void EndAsking()
    {
        if (_signals.Trouble.Length > 0 && NowMs - _reconnectedAtMs < _options.PeersMsMax)
        {
            // They cannot be heard yet. When they can, they are asked.
            WaitForPeers();
            return;
        }
        _reconnectedAtMs = null;
        Judge();
    }

    private void WaitForPeers() => Timers.StartSingleTimer(
        nameof(PeersAsked), new PeersAsked(), TimeSpan.FromMilliseconds(_options.Presence.WhoWaitMs));

    // Under load a peer's claim is ahead for a moment. One that stays ahead is beyond the log's end, or we
    // cannot read: where the tail is tells which.
    private void SeekTailIfOverdue()
    {
        long nowMs = NowMs;
        if (_applied is { } applied
            && nowMs >= _seekAgainAtMs
            && _claims.LostTail(_clusterId).Length == 0
            && _claims.Unsettled(_clusterId).Any(claim => nowMs - claim.HeardAtMs >= _options.SeekTailMs))
        {
            _seekAgainAtMs = nowMs + _options.SeekTailMs;
            _feed.Tell(new LogFeedActor.SeekTail(applied));
        }
    }

    private void LogOnce(string alarm)
    {
        if (alarm.Length > 0 && _alarmsLogged.Count < AlarmsLoggedMax && _alarmsLogged.Add(alarm))
        {
            _log.Error("{Node}: {Alarm}", _options.NodeId, alarm);
        }
    }

    private sealed record Recheck;

    private sealed record PeersAsked;
}
