using Akka.Event;
using Kv.Actors.Log;
using Kv.Actors.Nodes;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Publishing;

/// <summary>
/// The publisher's decisions: what goes into which entry, what is appended again, who is answered what.
/// No actor, log, timer or thread of its own, so that a simulation runs what a node runs.
/// </summary>
/// <remarks>
/// Exactly once: the log shows the registration first; then each entry goes out under the next sequence and
/// is appended, unchanged, until it is read back. The store takes each sequence once, in order. An entry
/// whose place is not known may thus be repeated without harm, and a client is told "unknown" only when its
/// time is over.
/// </remarks>
internal sealed class PublisherCore(
    string nodeId,
    PublisherOptions options,
    EntryStamp stamp,
    Func<UInt128> random,
    IPublisherPort port,
    ILoggingAdapter log)
{
    private readonly Queue<PendingCommand> _waiting = [];
    private readonly AnswerGate _answers = new(options.Ack);
    private readonly RetentionGuard _guard = new(options.Retention);
    private State _state = State.Starting;
    private EntryStamp.Basis _basis = EntryStamp.NoBasis;
    private UInt128 _nonce;
    private bool _awaitsCluster;
    private ulong _clusterId;
    private long _producerId = LogEntry.NoProducer;
    private bool _appendAgainScheduled;
    private long _retryDelayMs = options.RetryDelayMsMin;
    private bool _graceOver;
    private string _outage = "";
    private string _haltReason = "";
    private long _sequenceCheckedLast;
    private bool _draining;

    private enum State
    {
        /// <summary>
        /// No producer id yet: commands are refused, since the node has not caught up with the log.
        /// </summary>
        Starting = 1,

        Publishing = 2,

        Halted = 3,
    }

    /// <summary>Entries between building and reading back.</summary>
    internal EntryWindow Window { get; private set; } = new();

    /// <summary>Commands that wait for their place in an entry.</summary>
    internal int WaitingCount => _waiting.Count;

    internal void Start() => Register();

    /// <summary>The node ends: nobody is left without an answer.</summary>
    internal void Stop()
    {
        FailWaiting(KvError.Stopping, "The node stops.");
        FailPublished(
            KvError.OutcomeUnknown, "The node stopped before the answer came; the outcome is unknown.");
        _answers.Fail("The node stopped.");
    }

    internal void Submit(PendingCommand pending)
    {
        if (Refusal() is var (code, why))
        {
            pending.Fail(code, why);
        }
        else if (!_guard.Refuse(pending))
        {
            _waiting.Enqueue(pending);
            PublishWaiting();
        }
    }

    private (KvError Code, string Why)? Refusal() => this switch
    {
        { _state: State.Halted } => (KvError.Halted, _haltReason),
        { _state: State.Starting, _outage: not "" } => (KvError.NotReady, $"The log is away. {_outage}"),
        { _state: State.Starting } => (KvError.NotReady, "This node has not caught up with the log yet."),
        { _graceOver: true } => (KvError.LogUnavailable, $"The log is away; nothing published. {_outage}"),
        { _draining: true } => (KvError.Stopping, "The node stops."),
        { _answers.Refusal.Length: > 0 } => (KvError.NotReady, _answers.Refusal),
        _ => null,
    };

    /// <summary>There is a cluster that is not known yet: none is founded here.</summary>
    internal void AwaitCluster()
    {
        if (_state == State.Starting)
        {
            port.EndRegistration();
            _awaitsCluster = true;
        }
    }

    internal void Found(ulong clusterId)
    {
        if (_awaitsCluster)
        {
            // The store answers the new registration with the cluster once more.
            _awaitsCluster = false;
            Register();
        }
        else if (_state == State.Starting)
        {
            _clusterId = clusterId;
            port.FoundRegistration(clusterId);
        }
    }

    /// <param name="why">Why the registration does not get on; empty when it does again.</param>
    internal void NoteRegistrationTrouble(string why)
    {
        if (_state == State.Starting) { _outage = why; }
    }

    internal void TakeRegistered(PublisherActor.Registered registered)
    {
        if (_state != State.Starting || registered.Nonce != _nonce)
        {
            // Word of a former registration.
            return;
        }
        port.EndRegistration();
        _producerId = registered.ProducerId;
        _basis = new EntryStamp.Basis(registered.AppliedOffset, registered.Chain);
        Window = new EntryWindow();
        // The log took the registration. An outage of the former producer, its timer and its refusals are
        // over with it.
        EndOutage();
        log.Info("{Node} is ready as producer {ProducerId}", nodeId, _producerId);
        _state = State.Publishing;
        PublishWaiting();
        AnswerDrain();
    }

    internal void NoteApplied(PublisherActor.Applied applied)
    {
        _basis = new EntryStamp.Basis(applied.Offset, applied.Chain);
        if (_guard.Note(applied.UncoveredBytes, applied.ClusterSize, _waiting)) { AnswerDrain(); }
    }

    /// <summary>How far the log is persisted, and why nothing may be written now, if so.</summary>
    internal void NotePersisted(long offset, string refusal)
    {
        _answers.Note(offset, refusal);
        AnswerDrain();
    }

    internal void TakeReadBack(PublisherActor.ReadBack back)
    {
        if (_state != State.Publishing || back.ProducerId != _producerId) { return; }
        switch (back.Fate)
        {
            case EntryFate.Applied:
                Window.ReadBack(back, _answers);
                PublishWaiting();
                AnswerDrain();
                break;
            case EntryFate.Gap:
                // It came by before its predecessor did.
                Window.Ignored(back.Sequence);
                ScheduleAppendAgain();
                break;
            case EntryFate.UnknownProducer:
                RegisterAnew();
                break;
        }
    }

    /// <param name="failure">Null: the log has it.</param>
    internal void EndAppend(long producerId, long sequence, Exception? failure)
    {
        if (_state != State.Publishing || producerId != _producerId) { return; }
        if (failure is null)
        {
            EndOutage();
            if (Window.Confirmed(sequence) == EntryWindow.AppendState.New)
            {
                ScheduleAppendAgain();
            }
            PublishWaiting();
            return;
        }
        BeginOutage(failure);
        IReadOnlyList<PendingCommand> released = Window.Failed(
            sequence, neverPublished: failure is LogUnavailableException, filler: EncodeBarrier);
        foreach (PendingCommand pending in released)
        {
            pending.Fail(
                KvError.LogUnavailable, $"The log is away; nothing was published. {failure.Message}");
        }
        ScheduleAppendAgain();
    }

    /// <summary>The time to wait before appending again is over.</summary>
    internal void AppendNew()
    {
        if (_state != State.Publishing) { return; }
        _appendAgainScheduled = false;
        if (_outage.Length > 0)
        {
            AddProbe();
        }
        foreach (EntryWindow.Entry entry in Window.TakeForAppend())
        {
            port.Append(_producerId, entry.Sequence, entry.Bytes);
        }
    }

    /// <summary>To be called periodically: appends again what was confirmed and never read back.</summary>
    internal void AppendAgainWhatIsOverdue()
    {
        if (_state == State.Halted) { return; }
        long oldest = Window.Oldest?.Sequence ?? 0;
        if (oldest > 0 && oldest == _sequenceCheckedLast)
        {
            Window.AppendAgainFrom(oldest);
            AppendNew();
        }
        _sequenceCheckedLast = oldest;
    }

    /// <summary>Commands have waited for the log for long enough.</summary>
    internal void EndOutageGrace()
    {
        if (_state != State.Publishing) { return; }
        _graceOver = true;
        FailWaiting(KvError.LogUnavailable, $"The log is away; nothing was published. {_outage}");
        AnswerDrain();
    }

    /// <summary>Takes nothing more; <see cref="IPublisherPort.Drained"/> when all has an answer.</summary>
    internal void Drain()
    {
        if (_state != State.Publishing)
        {
            port.Drained();
            return;
        }
        _draining = true;
        AnswerDrain();
    }

    internal void Halt(string why)
    {
        _haltReason = why;
        _awaitsCluster = false;
        FailWaiting(KvError.Halted, why);
        FailPublished(KvError.Halted, why);
        _answers.Fail(why);
        port.EndRegistration();
        port.CancelTimer(PublisherTimer.AppendAgain);
        port.CancelTimer(PublisherTimer.OutageGraceOver);
        _state = State.Halted;
    }

    private void Register()
    {
        _nonce = random();
        _producerId = LogEntry.NoProducer;
        // What the former producer had to append again is no more.
        _appendAgainScheduled = false;
        port.CancelTimer(PublisherTimer.AppendAgain);
        _state = State.Starting;
        port.BeginRegistration(_nonce);
    }

    /// <summary>
    /// The table forgot this producer. Nothing under the old id will ever be applied, so its clients may be
    /// told.
    /// </summary>
    private void RegisterAnew()
    {
        log.Warning("{Node} was forgotten as producer {ProducerId} and registers anew", nodeId, _producerId);
        FailPublished(KvError.LogUnavailable, "The node had to register anew; the command was not applied.");
        AnswerDrain();
        Register();
    }

    // Group commit: while as many entries as allowed are under way, the next batch gathers.
    private void PublishWaiting()
    {
        while (_waiting.Count > 0 && Window.Count < options.EntriesInFlightMax && _outage.Length == 0)
        {
            (List<LoggedCommand> commands, List<IReadOnlyList<PendingCommand>> byCommand) =
                EntryBuilder.Gather(_waiting, options.EntryBytesTarget);
            if (commands.Count == 0)
            {
                return;
            }
            Window.Add(Encode(commands, Window.NextSequence), [.. byCommand]);
            AppendNew();
        }
    }

    private void BeginOutage(Exception failure)
    {
        if (_outage.Length == 0)
        {
            log.Warning("{Node} cannot append to the log: {Cause}", nodeId, failure.Message);
            port.StartTimer(PublisherTimer.OutageGraceOver, options.OutageGraceMs);
        }
        _outage = failure.Message;
    }

    // All that failed may have been read back meanwhile. Only another append can tell that the outage is
    // over, so there has to be one.
    private void AddProbe()
    {
        if (Window.Oldest is not { } oldest)
        {
            Window.Add(EncodeBarrier(Window.NextSequence), [[]]);
        }
        else if (!Window.HasAppends)
        {
            Window.AppendAgainFrom(oldest.Sequence);
        }
    }

    private void EndOutage()
    {
        if (_outage.Length > 0)
        {
            log.Info("{Node} appends to the log again", nodeId);
        }
        _outage = "";
        _graceOver = false;
        _retryDelayMs = options.RetryDelayMsMin;
        port.CancelTimer(PublisherTimer.OutageGraceOver);
    }

    private void ScheduleAppendAgain()
    {
        if (!_appendAgainScheduled)
        {
            _appendAgainScheduled = true;
            port.StartTimer(PublisherTimer.AppendAgain, _retryDelayMs);
            _retryDelayMs = Math.Min(_retryDelayMs * 2, options.RetryDelayMsMax);
        }
    }

    private void AnswerDrain()
    {
        if (_draining && _waiting.Count == 0 && Window.Count == 0 && _answers.HeldCount == 0)
        {
            port.Drained();
        }
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
        foreach (PendingCommand pending in Window.Waiting)
        {
            pending.Fail(code, why);
        }
        Window = new EntryWindow();
    }

    private byte[] EncodeBarrier(long sequence) =>
        Encode([new LoggedCommand(new Command.Barrier())], sequence);

    private byte[] Encode(IReadOnlyList<LoggedCommand> commands, long sequence) =>
        stamp.Encode(commands, _clusterId, _producerId, sequence, _basis);
}
