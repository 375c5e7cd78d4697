using Akka.Actor;
using Akka.Event;
using Kv.Actors.Log;
using Kv.Actors.Nodes;
using Kv.Actors.Store;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Publishing;

/// <summary>
/// Turns a node's commands into entries of the log (group commit) and answers each when the store has read
/// it back.
/// </summary>
/// <remarks>
/// Exactly once: the log shows the registration first; then each entry goes out under the next sequence and
/// is appended, unchanged, until it is read back. The store takes each sequence once, in order. An entry
/// whose place is not known may thus be repeated without harm, and a client is told "unknown" only when its
/// time is over.
/// </remarks>
public sealed class PublisherActor : ReceiveActor, IWithTimers
{
    /// <summary>A client's command. Answered through itself.</summary>
    public sealed record Submit(PendingCommand Pending);

    /// <summary>From the store: the log's genesis was applied.</summary>
    public sealed record Founded(ulong ClusterId);

    /// <summary>
    /// From the store: the registration with this nonce was applied; its offset is the producer id.
    /// </summary>
    public sealed record Registered(UInt128 Nonce, long ProducerId, long AppliedOffset, Digest Chain);

    /// <summary>From the store: how far it is. The basis of the next entry.</summary>
    public sealed record Applied(long Offset, Digest Chain);

    /// <summary>From the store: one of our entries came by.</summary>
    public sealed record ReadBack(
        long ProducerId, long Sequence, Digest Hash, EntryFate Fate, IReadOnlyList<Reply> Replies);

    /// <summary>From the store: the node must not go on.</summary>
    public sealed record Halted(string Why);

    /// <summary>
    /// Take nothing more; answered with <see cref="Drained"/> when all commands have an answer.
    /// </summary>
    public sealed record Drain;

    public sealed record Drained;

    private sealed record AppendEnded(long ProducerId, long Sequence, Exception? Failure);

    private sealed record AppendAgain;

    private sealed record OutageGraceOver;

    private sealed record CheckReadBack;

    private readonly string _nodeId;
    private readonly IReplicationLog _replicationLog;
    private readonly IActorRef _store;
    private readonly PublisherOptions _options;
    private readonly EntryStamp _stamp;
    private readonly Func<UInt128> _random;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Queue<PendingCommand> _waiting = [];
    private EntryWindow _window = new();
    private EntryStamp.Basis _basis = EntryStamp.NoBasis;
    private IActorRef _registrar = ActorRefs.Nobody;
    private UInt128 _nonce;
    private ulong _clusterId;
    private long _producerId = LogEntry.NoProducer;
    private bool _appendAgainScheduled;
    private long _retryDelayMs;
    private bool _graceOver;
    private string _outage = "";
    private string _haltReason = "";
    private long _sequenceCheckedLast;
    private IActorRef? _drainAsker;

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
        _nodeId = nodeId;
        _replicationLog = log;
        _store = store;
        _options = options;
        _stamp = new EntryStamp(clock);
        _random = random;
        _retryDelayMs = options.RetryDelayMsMin;
        Starting();
    }

    protected override void PreStart()
    {
        AttachToStore();
        Timers.StartPeriodicTimer(nameof(CheckReadBack), new CheckReadBack(), Ms(_options.ReadBackTimeoutMs));
    }

    protected override void PostStop()
    {
        FailWaiting(KvError.Stopping, "The node stops.");
        FailPublished(
            KvError.OutcomeUnknown, "The node stopped before the answer came; the outcome is unknown.");
    }

    /// <summary>
    /// No producer id yet: commands are refused, since the node has not caught up with the log.
    /// </summary>
    private void Starting()
    {
        Receive<Submit>(submit => submit.Pending.Fail(
            KvError.NotReady,
            _outage.Length == 0 ? "This node has not caught up with the log "
                + "yet." : $"The log is away. {_outage}"));
        Receive<Founded>(founded =>
        {
            _clusterId = founded.ClusterId;
            _registrar.Tell(founded);
        });
        Receive<RegistrarActor.Trouble>(trouble => _outage = trouble.Why);
        Receive<Registered>(registered => registered.Nonce == _nonce, StartPublishing);
        Receive<Drain>(_ => Sender.Tell(new Drained()));
        Common();
    }

    private void Publishing()
    {
        Receive<Submit>(Take);
        Receive<ReadBack>(back => back.ProducerId == _producerId, TakeReadBack);
        Receive<AppendEnded>(ended => ended.ProducerId == _producerId, EndAppend);
        Receive<AppendAgain>(_ => AppendNew());
        Receive<OutageGraceOver>(_ => EndOutageGrace());
        Receive<Drain>(_ =>
        {
            _drainAsker = Sender;
            AnswerDrain();
        });
        Common();
    }

    private void Stopped()
    {
        Receive<Submit>(submit => submit.Pending.Fail(KvError.Halted, _haltReason));
        Receive<Drain>(_ => Sender.Tell(new Drained()));
        ReceiveAny(_ => { });
    }

    private void Common()
    {
        Receive<Applied>(applied => _basis = new EntryStamp.Basis(applied.Offset, applied.Chain));
        Receive<CheckReadBack>(_ => AppendAgainWhatIsOverdue());
        Receive<Halted>(Halt);
        // Word of a former registration or of its entries.
        Receive<ReadBack>(_ => { });
        Receive<AppendEnded>(_ => { });
        Receive<Registered>(_ => { });
        Receive<Founded>(_ => { });
        Receive<RegistrarActor.Trouble>(_ => { });
        Receive<AppendAgain>(_ => { });
        Receive<OutageGraceOver>(_ => { });
    }

    private void AttachToStore()
    {
        _nonce = _random();
        _producerId = LogEntry.NoProducer;
        Context.Stop(_registrar);
        _registrar = Context.ActorOf(
            RegistrarActor.Props(_nodeId, _replicationLog, _options, _stamp, _nonce, _random));
        _store.Tell(new StoreActor.Attach(_nonce));
    }

    private void StartPublishing(Registered registered)
    {
        Context.Stop(_registrar);
        _producerId = registered.ProducerId;
        _basis = new EntryStamp.Basis(registered.AppliedOffset, registered.Chain);
        _window = new EntryWindow();
        _outage = "";
        _log.Info("{Node} is ready as producer {ProducerId}", _nodeId, _producerId);
        Become(Publishing);
        PublishWaiting();
    }

    private void Take(Submit submit)
    {
        if (_graceOver)
        {
            submit.Pending.Fail(KvError.LogUnavailable, $"The log is away; nothing was published. {_outage}");
        }
        else if (_drainAsker is not null)
        {
            submit.Pending.Fail(KvError.Stopping, "The node stops.");
        }
        else
        {
            _waiting.Enqueue(submit.Pending);
            PublishWaiting();
        }
    }

    // Group commit: while as many entries as allowed are under way, the next batch gathers.
    private void PublishWaiting()
    {
        while (_waiting.Count > 0 && _window.Count < _options.EntriesInFlightMax && _outage.Length == 0)
        {
            (List<LoggedCommand> commands, List<IReadOnlyList<PendingCommand>> byCommand) =
                EntryBuilder.Gather(_waiting, _options.EntryBytesTarget);
            if (commands.Count == 0)
            {
                return;
            }
            _window.Add(Encode(commands, _window.NextSequence), [.. byCommand]);
            AppendNew();
        }
    }

    private void AppendNew()
    {
        _appendAgainScheduled = false;
        long producerId = _producerId;
        foreach (EntryWindow.Entry entry in _window.TakeForAppend())
        {
            long sequence = entry.Sequence;
            _replicationLog.AppendAsync(entry.Bytes, CancellationToken.None).PipeTo(
                Self,
                success: () => new AppendEnded(producerId, sequence, null),
                failure: cause => new AppendEnded(producerId, sequence, cause));
        }
    }

    private void EndAppend(AppendEnded ended)
    {
        if (ended.Failure is null)
        {
            EndOutage();
            _window.Confirmed(ended.Sequence);
            PublishWaiting();
            return;
        }
        BeginOutage(ended.Failure);
        IReadOnlyList<PendingCommand> released = _window.Failed(
            ended.Sequence,
            neverPublished: ended.Failure is LogUnavailableException,
            filler: sequence => Encode([new LoggedCommand(new Command.Barrier())], sequence));
        foreach (PendingCommand pending in released)
        {
            pending.Fail(
                KvError.LogUnavailable, $"The log is away; nothing was published. {ended.Failure.Message}");
        }
        ScheduleAppendAgain();
    }

    private void TakeReadBack(ReadBack back)
    {
        switch (back.Fate)
        {
            case EntryFate.Applied:
                _window.ReadBack(back.Sequence, back.Hash, back.Replies);
                PublishWaiting();
                AnswerDrain();
                break;
            case EntryFate.Gap:
                // It came by before its predecessor did; what is under way comes again by itself.
                _window.AppendAgainFrom(back.Sequence);
                ScheduleAppendAgain();
                break;
            case EntryFate.UnknownProducer:
                RegisterAnew();
                break;
        }
    }

    /// <summary>
    /// The table forgot this producer. Nothing under the old id will ever be applied, so its clients may be
    /// told.
    /// </summary>
    private void RegisterAnew()
    {
        _log.Warning(
            "{Node} was forgotten as producer {ProducerId} and registers anew", _nodeId, _producerId);
        FailPublished(KvError.LogUnavailable, "The node had to register anew; the command was not applied.");
        AttachToStore();
        Become(Starting);
    }

    private void AppendAgainWhatIsOverdue()
    {
        long oldest = _window.Oldest?.Sequence ?? 0;
        if (oldest > 0 && oldest == _sequenceCheckedLast)
        {
            _window.AppendAgainFrom(oldest);
            AppendNew();
        }
        _sequenceCheckedLast = oldest;
    }

    private void BeginOutage(Exception failure)
    {
        if (_outage.Length == 0)
        {
            _log.Warning("{Node} cannot append to the log: {Cause}", _nodeId, failure.Message);
            Timers.StartSingleTimer(
                nameof(OutageGraceOver), new OutageGraceOver(), Ms(_options.OutageGraceMs));
        }
        _outage = failure.Message;
    }

    private void EndOutage()
    {
        if (_outage.Length > 0)
        {
            _log.Info("{Node} appends to the log again", _nodeId);
        }
        _outage = "";
        _graceOver = false;
        _retryDelayMs = _options.RetryDelayMsMin;
        Timers.Cancel(nameof(OutageGraceOver));
    }

    private void EndOutageGrace()
    {
        _graceOver = true;
        FailWaiting(KvError.LogUnavailable, $"The log is away; nothing was published. {_outage}");
        AnswerDrain();
    }

    private void ScheduleAppendAgain()
    {
        if (!_appendAgainScheduled)
        {
            _appendAgainScheduled = true;
            Timers.StartSingleTimer(nameof(AppendAgain), new AppendAgain(), Ms(_retryDelayMs));
            _retryDelayMs = Math.Min(_retryDelayMs * 2, _options.RetryDelayMsMax);
        }
    }

    private void AnswerDrain()
    {
        if (_drainAsker is not null && _waiting.Count == 0 && _window.Count == 0)
        {
            _drainAsker.Tell(new Drained());
        }
    }

    private void Halt(Halted halted)
    {
        _haltReason = halted.Why;
        FailWaiting(KvError.Halted, halted.Why);
        FailPublished(KvError.Halted, halted.Why);
        Context.Stop(_registrar);
        Timers.CancelAll();
        Become(Stopped);
    }

    private void FailWaiting(KvError code, string why)
    {
        while (_waiting.TryDequeue(out PendingCommand? pending))
        {
            pending.Fail(code, why);
        }
    }

    private void FailPublished(KvError code, string why)
    {
        foreach (PendingCommand pending in _window.Waiting)
        {
            pending.Fail(code, why);
        }
        _window = new EntryWindow();
    }

    private byte[] Encode(IReadOnlyList<LoggedCommand> commands, long sequence) =>
        _stamp.Encode(commands, _clusterId, _producerId, sequence, _basis);

    private static TimeSpan Ms(long ms) => TimeSpan.FromMilliseconds(ms);
}
