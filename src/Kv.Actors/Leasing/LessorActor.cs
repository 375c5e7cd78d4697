using Akka.Actor;
using Akka.Event;
using Kv.Actors.Nodes;
using Kv.Actors.Publishing;
using Kv.Actors.Store;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Leasing;

/// <summary>
/// Times the leases of one node. Mailbox, timer and stopwatch are here, the decisions in <see
/// cref="LessorCore"/>.
/// </summary>
public sealed class LessorActor : ReceiveActor, IWithTimers
{
    /// <summary>From the store: the node has caught up, maybe once more.</summary>
    /// <param name="Leases">All that there are.</param>
    public sealed record CaughtUp(IReadOnlyList<LeaseChange> Leases);

    /// <summary>From the store, while there are leases: entries were applied.</summary>
    /// <param name="Changes">The leases they were about, as they are now.</param>
    public sealed record Applied(IReadOnlyList<LeaseChange> Changes);

    /// <summary>From the membership: the nodes that serve, this one among them.</summary>
    public sealed record Present(IReadOnlyCollection<string> NodeIds);

    /// <summary>A client's keep-alive. Answered through the task: a reply or a KvException.</summary>
    public sealed record KeepAlive(long LeaseId, TaskCompletionSource<Reply> Reply);

    /// <summary>From the store, on behalf of the sender, who gets it back with what is left.</summary>
    /// <param name="Seen">It has a lease.</param>
    public sealed record Describe(StoreActor.LeaseSeen Seen);

    private sealed record Tick;

    private sealed record Answered(LessorCommand Command, Reply Reply);

    private sealed record Failed(LessorCommand Command, Exception Cause);

    private readonly string _nodeId;
    private readonly IActorRef _store;
    private readonly LessorOptions _options;
    private readonly TimeProvider _clock;
    private readonly long _startedAt;
    private readonly LessorCore _core;

    public ITimerScheduler Timers { get; set; } = null!;

    /// <param name="clock">Its timestamps are used, never its time of day.</param>
    /// <param name="objection">Why this node must not write now; empty: it may. Any thread.</param>
    public static Props Props(
        string nodeId,
        IActorRef store,
        IActorRef publisher,
        LessorOptions options,
        TimeProvider clock,
        Func<string> objection) => Akka.Actor.Props.Create(
            () => new LessorActor(nodeId, store, publisher, options, clock, objection));

    public LessorActor(
        string nodeId,
        IActorRef store,
        IActorRef publisher,
        LessorOptions options,
        TimeProvider clock,
        Func<string> objection)
    {
        _nodeId = nodeId;
        _store = store;
        _options = options;
        _clock = clock;
        _startedAt = clock.GetTimestamp();
        _core = new LessorCore(options, new Port(Self, publisher, objection, Context.GetLogger(), nodeId));
        Receive<CaughtUp>(caughtUp =>
        {
            _core.Begin(caughtUp.Leases, NowMs);
            TickWhileThereAreLeases();
        });
        Receive<Applied>(applied =>
        {
            _core.NoteApplied(applied.Changes, NowMs);
            TickWhileThereAreLeases();
        });
        Receive<KeepAlive>(keepAlive => _core.KeepAlive(keepAlive.LeaseId, keepAlive.Reply, NowMs));
        Receive<Present>(present => _core.SetRank(present.NodeIds.Count(
            id => string.CompareOrdinal(id, _nodeId) < 0)));
        Receive<Describe>(describe => Sender.Tell(Complete(describe.Seen)));
        Receive<Answered>(answered => _core.End(answered.Command, answered.Reply, NowMs));
        Receive<Failed>(failed => _core.Fail(failed.Command, failed.Cause, NowMs));
        Receive<Tick>(_ =>
        {
            _core.Tick(NowMs);
            if (_core.Count == 0)
            {
                Timers.Cancel(nameof(Tick));
            }
        });
    }

    private long NowMs => (long)_clock.GetElapsedTime(_startedAt).TotalMilliseconds;

    protected override void PreStart() => _store.Tell(new StoreActor.AttachLessor());

    protected override void PostStop() => _core.Stop(new KvException(
        KvError.OutcomeUnknown, "The node stopped before the answer came; the outcome is unknown."));

    private StoreActor.LeaseSeen Complete(StoreActor.LeaseSeen seen) => seen with
    {
        Lease = seen.Lease! with
        {
            RemainingMs = _core.RemainingMs(seen.Lease.LeaseId, NowMs) ?? seen.Lease.RemainingMs,
        },
    };

    private void TickWhileThereAreLeases()
    {
        if (_core.Count > 0 && !Timers.IsTimerActive(nameof(Tick)))
        {
            Timers.StartPeriodicTimer(
                nameof(Tick), new Tick(), TimeSpan.FromMilliseconds(_options.TickMs));
        }
    }

    private sealed class Port(
        IActorRef self, IActorRef publisher, Func<string> objection, ILoggingAdapter log, string nodeId)
        : ILessorPort
    {
        public string Objection => objection();

        public void Send(LessorCommand command)
        {
            if (command.Command is Command.LeaseExpire expire)
            {
                log.Info("{Node} proposes to end {Count} leases", nodeId, expire.Leases.Count);
            }
            // Whoever keeps a lease alive was asked at the edge: one renewal is for all who do.
            var pending = new PendingCommand(
                command.Command, requestId: null, principal: Principal.Cluster);
            command.Pending = pending;
            pending.Reply.PipeTo(
                self,
                success: reply => new Answered(command, reply),
                failure: cause => new Failed(command, cause));
            publisher.Tell(new PublisherActor.Submit(pending), self);
        }

        public void TryAbandon(LessorCommand command)
        {
            if (command.Pending!.TryAbandon())
            {
                command.Pending.Fail(KvError.LogUnavailable, "The log is away; nothing was published.");
            }
        }
    }
}

/// <summary>A lease as a client is told of it.</summary>
/// <param name="RemainingMs">What is left as this node times it; 0: it is about to be ended.</param>
/// <param name="Keys">Bytewise ascending; empty unless they were asked for.</param>
public sealed record LeaseDescription(
    long LeaseId, long TtlSeconds, long RemainingMs, IReadOnlyList<byte[]> Keys);
