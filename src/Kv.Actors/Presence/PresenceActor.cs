using Akka.Actor;
using Akka.Event;
using Kv.Actors.Fanouts;

namespace Kv.Actors.Presence;

/// <summary>
/// Announces this node once a second, knows who else is there, and lets the node in only if its id is free
/// and all others run in the same mode. It knows nothing of what a mode does: its owner composes the
/// announcement.
/// </summary>
public sealed class PresenceActor : ReceiveActor, IWithTimers
{
    private readonly Announcement _self;
    private readonly PresenceOptions _options;
    private readonly IFanout _fanout;
    private readonly IActorRef _owner;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly CancellationTokenSource _stopping = new();
    private readonly Dictionary<string, Entry> _members = [];

    // Those whose question the next announcement answers.
    private readonly HashSet<long> _askers = [];
    private readonly HashSet<string> _clashesLogged = [];
    private bool _isAdmitted;
    private bool _isPublishing;

    public PresenceActor(Announcement self, PresenceOptions options, IFanout fanout, IActorRef owner)
    {
        _self = self;
        _options = options.Validate();
        _fanout = fanout;
        _owner = owner;
        Receive<FanoutReceiver.Opened>(_ => Sender.Tell(FanoutReceiver.Next.Instance));
        Receive<IReadOnlyList<FanoutDelivery>>(OnDeliveries);
        Receive<FanoutReceiver.Attached>(_ => OnAttached());
        Receive<FanoutReceiver.Lost>(lost =>
        {
            Timers.Cancel(WhoOver.Instance);
            _owner.Tell(new Unreachable(lost.Cause.Message));
        });
        Receive<FanoutReceiver.Closed>(_ => { });
        Receive<WhoOver>(_ => Admit());
        Receive<Tick>(_ => OnTick());
        Receive<Ask>(_ => Send(new PresenceMessage(PresenceKind.Who, _self)));
        Receive<Announce>(announce => OnAnnounce(announce.Own));
        Receive<Published>(_ => _isPublishing = false);
        Receive<ListMembers>(list => list.Answer.TrySetResult(ListAll()));
        Receive<Leave>(OnLeave);
    }

    /// <summary>To the owner: tell me <see cref="Announce"/>.</summary>
    public sealed record Compose
    {
        public static readonly Compose Instance = new();
    }

    /// <summary>From the owner: what the node is now.</summary>
    public sealed record Announce(Announcement Own);

    /// <summary>From the owner: ask who is there, without waiting for the next round.</summary>
    public sealed record Ask
    {
        public static readonly Ask Instance = new();
    }

    /// <summary>To the owner: the node may run.</summary>
    public sealed record Admitted
    {
        public static readonly Admitted Instance = new();
    }

    /// <summary>To the owner: the node must not run beside those that are there.</summary>
    public sealed record Refused(NodeRefusedException Because);

    /// <summary>To the owner: nobody is heard.</summary>
    /// <param name="Why">Empty: they are again.</param>
    public sealed record Unreachable(string Why);

    /// <summary>To the owner: another node announced itself.</summary>
    public sealed record Heard(Announcement Announcement);

    /// <summary>To the owner: a member left, or was silent for so long that it is none any more.</summary>
    public sealed record Gone(string NodeId);

    /// <summary>All members but this node.</summary>
    public sealed record ListMembers(TaskCompletionSource<IReadOnlyList<Member>> Answer);

    /// <summary>Tells the others that this node stops.</summary>
    public sealed record Leave(TaskCompletionSource Done);

    public ITimerScheduler Timers { get; set; } = null!;

    private static long NowMs => (long)Context.System.Scheduler.MonotonicClock.TotalMilliseconds;

    /// <param name="self">Who this node is; what changes is asked of the owner.</param>
    /// <param name="owner">Gets the messages that say "to the owner".</param>
    public static Props Props(Announcement self, PresenceOptions options, IFanout fanout, IActorRef owner) =>
        Akka.Actor.Props.Create(() => new PresenceActor(self, options, fanout, owner));

    protected override void PreStart() =>
        Context.ActorOf(FanoutReceiver.Props(_fanout, "presence"), "receiver");

    protected override void PostStop() => _stopping.Cancel();

    private void OnAttached()
    {
        _owner.Tell(new Unreachable(""));
        Send(new PresenceMessage(PresenceKind.Who, _self));
        if (_isAdmitted) { return; }
        Timers.StartSingleTimer(
            WhoOver.Instance, WhoOver.Instance, TimeSpan.FromMilliseconds(_options.WhoWaitMs));
    }

    private void Admit()
    {
        _isAdmitted = true;
        _owner.Tell(Admitted.Instance);
        Timers.StartPeriodicTimer(
            Tick.Instance, Tick.Instance, TimeSpan.Zero, TimeSpan.FromMilliseconds(_options.IntervalMs));
    }

    private void OnTick()
    {
        foreach ((string id, Entry entry) in _members.ToArray())
        {
            if (NowMs - entry.HeardAtMs > _options.ForgetMs) { Forget(id); }
        }
        _owner.Tell(Compose.Instance);
    }

    private void OnAnnounce(Announcement own)
    {
        if (_askers.Count == 0)
        {
            if (!_isPublishing) { Send(new PresenceMessage(PresenceKind.Announce, own)); }
            return;
        }
        foreach (long asker in _askers) { Send(new PresenceMessage(PresenceKind.Announce, own, asker)); }
        _askers.Clear();
    }

    private void OnDeliveries(IReadOnlyList<FanoutDelivery> deliveries)
    {
        foreach (FanoutDelivery delivery in deliveries)
        {
            if (AnnouncementCodec.TryDecode(delivery.Body, out PresenceMessage? message, out string? problem))
            {
                OnMessage(message);
            }
            else
            {
                _log.Warning("Ignored a presence message that {Problem}", problem);
            }
            delivery.Acknowledge();
        }
        Sender.Tell(FanoutReceiver.Next.Instance);
    }

    private void OnMessage(PresenceMessage message)
    {
        Announcement from = message.Announcement;
        if (from.NodeId == _self.NodeId && from.Incarnation == _self.Incarnation) { return; }
        if (!_isAdmitted && RefusalBy(message) is { } refusal)
        {
            _isAdmitted = false;
            Timers.CancelAll();
            _owner.Tell(new Refused(new NodeRefusedException(refusal)));
            return;
        }
        if (message.Kind == PresenceKind.Who)
        {
            OnWho(from);
        }
        else if (from.NodeId == _self.NodeId)
        {
            OnClash(message);
        }
        else if (message.Kind == PresenceKind.Leave)
        {
            if (_members.TryGetValue(from.NodeId, out Entry? entry)
                && entry.Announcement.Incarnation == from.Incarnation)
            {
                Forget(from.NodeId);
            }
        }
        else
        {
            Remember(from);
        }
    }

    /// <summary>Why this node, which is not in yet, has to stay out.</summary>
    private string? RefusalBy(PresenceMessage message)
    {
        Announcement from = message.Announcement;
        if (message.Kind == PresenceKind.Leave) { return null; }
        if (from.Mode != _self.Mode)
        {
            return $"Node {from.NodeId} runs on this exchange in mode {AnnouncementCodec.NameOf(from.Mode)}, "
                + $"this one is configured for {AnnouncementCodec.NameOf(_self.Mode)}. Use one mode, or "
                + "another exchange.";
        }
        if (VersionRefusalBy(from) is { } refusal) { return refusal; }
        if (from.NodeId != _self.NodeId) { return null; }
        // An announcement that was under way when an old run of this node died does not count, an answer
        // does. Of two that start at once, the one that started later gives way.
        bool isAlive = message.Answers == _self.Incarnation
            || (message.Kind == PresenceKind.Who && from.Incarnation < _self.Incarnation);
        return isAlive
            ? $"A node with NODE_ID {_self.NodeId} is alive already, at {from.Url}. Give each node its own "
                + "NODE_ID."
            : null;
    }

    private string? VersionRefusalBy(Announcement from)
    {
        // Who comes without any is of an older build or of another mode, where none are needed.
        bool appliesAlike = from.ApplyVersions.Count == 0 || _self.ApplyVersions.Count == 0
            || from.ApplyVersions.Intersect(_self.ApplyVersions).Any();
        return appliesAlike && from.Formats.Intersect(_self.Formats).Any()
            ? null
            : $"Node {from.NodeId} at {from.Url} runs format versions {string.Join(", ", from.Formats)} and "
                + $"apply versions {string.Join(", ", from.ApplyVersions)}; this build has formats "
                + $"{string.Join(", ", _self.Formats)} and apply versions "
                + $"{string.Join(", ", _self.ApplyVersions)}. Start a build that fits.";
    }

    private void OnWho(Announcement from)
    {
        bool isRival = from.NodeId == _self.NodeId;
        // Of two that start with one id only the earlier may answer, or both would stay out.
        if (isRival && !_isAdmitted && from.Incarnation < _self.Incarnation) { return; }
        if (_askers.Count < _options.MembersMax) { _askers.Add(from.Incarnation); }
        // What it says of itself counts at once: whoever founds must know of it.
        if (!isRival && from.Mode == _self.Mode) { Remember(from); }
        _owner.Tell(Compose.Instance);
    }

    private void OnClash(PresenceMessage message)
    {
        Announcement from = message.Announcement;
        if (!_isAdmitted || message.Kind != PresenceKind.Announce || !_clashesLogged.Add(from.Url))
        {
            return;
        }
        _log.Error("Another node with NODE_ID {Node} announces itself, at {Url}; stop one of them",
            from.NodeId, from.Url);
    }

    private void Remember(Announcement from)
    {
        if (!_members.ContainsKey(from.NodeId) && _members.Count >= _options.MembersMax)
        {
            _log.Warning("Over {Count} members: {Node} is not heard", _options.MembersMax, from.NodeId);
            return;
        }
        _members[from.NodeId] = new Entry(from, NowMs);
        _owner.Tell(new Heard(from));
    }

    private void Forget(string nodeId)
    {
        _members.Remove(nodeId);
        _owner.Tell(new Gone(nodeId));
    }

    private List<Member> ListAll() =>
    [
        .. _members.Values
            .Select(entry => new Member(entry.Announcement, NowMs - entry.HeardAtMs))
            .OrderBy(member => member.Announcement.NodeId, StringComparer.Ordinal),
    ];

    private void OnLeave(Leave leave)
    {
        Timers.CancelAll();
        var message = new PresenceMessage(PresenceKind.Leave, _self);
        _fanout.PublishAsync(ToFanout(message), _stopping.Token).ContinueWith(
            publishing =>
            {
                // Whoever does not hear of it notices by our silence.
                _ = publishing.Exception;
                leave.Done.TrySetResult();
            },
            TaskScheduler.Default);
    }

    /// <summary>A message that gets lost is made good by the next one.</summary>
    private void Send(PresenceMessage message)
    {
        _isPublishing = true;
        _fanout.PublishAsync(ToFanout(message), _stopping.Token)
            .PipeTo(Self, success: () => Published.Instance, failure: _ => Published.Instance);
    }

    private static FanoutMessage ToFanout(PresenceMessage message) =>
        new(AnnouncementCodec.Encode(message), AnnouncementCodec.ContentType, FanoutMessage.NoHeaders);

    private sealed record Entry(Announcement Announcement, long HeardAtMs);

    private sealed record Tick
    {
        public static readonly Tick Instance = new();
    }

    private sealed record WhoOver
    {
        public static readonly WhoOver Instance = new();
    }

    private sealed record Published
    {
        public static readonly Published Instance = new();
    }
}
