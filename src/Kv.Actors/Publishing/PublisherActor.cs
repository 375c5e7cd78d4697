using Akka.Actor;
using Akka.Event;
using Kv.Actors.Log;
using Kv.Actors.Store;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Publishing;

/// <summary>
/// Turns a node's commands into entries of the log (group commit) and answers each when the store has read
/// it back. Mailbox and timers are here, the decisions in <see cref="PublisherCore"/>.
/// </summary>
public sealed class PublisherActor : ReceiveActor, IWithTimers
{
    /// <summary>A client's command. Answered through itself.</summary>
    public sealed record Submit(PendingCommand Pending);

    /// <summary>From the store: the log's genesis was applied.</summary>
    public sealed record Founded(ulong ClusterId);

    /// <summary>
    /// From the store: the log has lost its start, so there is a cluster, but which is not known until <see
    /// cref="Founded"/>.
    /// </summary>
    public sealed record LogBeganLate;

    /// <summary>
    /// From the store: the registration with this nonce was applied; its offset is the producer id.
    /// </summary>
    public sealed record Registered(UInt128 Nonce, long ProducerId, long AppliedOffset, Digest Chain);

    /// <summary>From the store: how far it is. The basis of the next entry.</summary>
    /// <param name="UncoveredBytes">Bytes of the log that no majority's snapshots have.</param>
    /// <param name="ClusterSize">Members; 0: not said.</param>
    public sealed record Applied(long Offset, Digest Chain, long UncoveredBytes, int ClusterSize);

    /// <summary>From the store: one of our entries came by.</summary>
    public sealed record ReadBack(
        long ProducerId,
        long Sequence,
        long Offset,
        Digest Hash,
        EntryFate Fate,
        IReadOnlyList<Reply> Replies);

    /// <summary>From the store: how far the log is persisted on a majority of the nodes.</summary>
    /// <param name="Refusal">Why this node must not write now; empty: it may.</param>
    public sealed record Persisted(long Offset, string Refusal);

    /// <summary>From the store: the node must not go on.</summary>
    public sealed record Halted(string Why);

    /// <summary>
    /// Take nothing more; answered with <see cref="Drained"/> when all commands have an answer.
    /// </summary>
    public sealed record Drain;

    public sealed record Drained;

    private sealed record AppendEnded(long ProducerId, long Sequence, Exception? Failure);

    private sealed record TimeOver(PublisherTimer Timer);

    private sealed record CheckReadBack;

    private readonly PublisherOptions _options;
    private readonly PublisherCore _core;
    private readonly Port _port;

    public ITimerScheduler Timers { get; set; } = null!;

    /// <param name="random">Nonces and a cluster id: unique, not secret.</param>
    public static Props Props(
        string nodeId,
        IReplicationLog log,
        IActorRef store,
        PublisherOptions options,
        TimeProvider clock,
        Func<UInt128> random) =>
        Akka.Actor.Props.Create(() => new PublisherActor(nodeId, log, store, options, clock, random));

    public PublisherActor(
        string nodeId,
        IReplicationLog log,
        IActorRef store,
        PublisherOptions options,
        TimeProvider clock,
        Func<UInt128> random)
    {
        _options = options;
        var stamp = new EntryStamp(clock);
        _port = new Port(
            this,
            log,
            store,
            nonce => RegistrarActor.Props(nodeId, log, options, stamp, nonce, random));
        _core = new PublisherCore(nodeId, options, stamp, random, _port, Context.GetLogger());
        Receive<Submit>(submit => _core.Submit(submit.Pending));
        Receive<ReadBack>(_core.TakeReadBack);
        Receive<Applied>(_core.NoteApplied);
        Receive<AppendEnded>(ended => _core.EndAppend(ended.ProducerId, ended.Sequence, ended.Failure));
        Receive<TimeOver>(over => EndTimer(over.Timer));
        Receive<CheckReadBack>(_ => _core.AppendAgainWhatIsOverdue());
        Receive<Persisted>(persisted => _core.NotePersisted(persisted.Offset, persisted.Refusal));
        Receive<Founded>(founded => _core.Found(founded.ClusterId));
        Receive<LogBeganLate>(_ => _core.AwaitCluster());
        Receive<Registered>(_core.TakeRegistered);
        Receive<RegistrarActor.Trouble>(trouble => _core.NoteRegistrationTrouble(trouble.Why));
        Receive<Halted>(halted => _core.Halt(halted.Why));
        Receive<Drain>(_ =>
        {
            _port.DrainAsker = Sender;
            _core.Drain();
        });
    }

    protected override void PreStart()
    {
        _core.Start();
        Timers.StartPeriodicTimer(nameof(CheckReadBack), new CheckReadBack(), Ms(_options.ReadBackTimeoutMs));
    }

    protected override void PostStop() => _core.Stop();

    private void EndTimer(PublisherTimer timer)
    {
        if (timer == PublisherTimer.AppendAgain)
        {
            _core.AppendNew();
        }
        else
        {
            _core.EndOutageGrace();
        }
    }

    private static TimeSpan Ms(long ms) => TimeSpan.FromMilliseconds(ms);

    private sealed class Port(
        PublisherActor actor,
        IReplicationLog replicationLog,
        IActorRef store,
        Func<UInt128, Props> registrarProps) : IPublisherPort
    {
        private readonly IUntypedActorContext _context = Context;
        private readonly IActorRef _self = actor.Self;
        private IActorRef _registrar = ActorRefs.Nobody;

        internal IActorRef DrainAsker { get; set; } = ActorRefs.Nobody;

        public void Append(long producerId, long sequence, byte[] entry) =>
            replicationLog.AppendAsync(entry, CancellationToken.None).PipeTo(
                _self,
                success: () => new AppendEnded(producerId, sequence, null),
                failure: cause => new AppendEnded(producerId, sequence, cause));

        public void BeginRegistration(UInt128 nonce)
        {
            EndRegistration();
            _registrar = _context.ActorOf(registrarProps(nonce));
            store.Tell(new StoreActor.Attach(nonce), _self);
        }

        public void FoundRegistration(ulong clusterId) => _registrar.Tell(new Founded(clusterId), _self);

        public void EndRegistration() => _context.Stop(_registrar);

        public void StartTimer(PublisherTimer timer, long delayMs) =>
            actor.Timers.StartSingleTimer(timer, new TimeOver(timer), Ms(delayMs));

        public void CancelTimer(PublisherTimer timer) => actor.Timers.Cancel(timer);

        public void Drained() => DrainAsker.Tell(new Drained(), _self);
    }
}
