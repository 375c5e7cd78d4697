using System.Text;
using Akka.Actor;
using Akka.Event;
using Kv.Actors.Fanouts;
using Kv.Actors.Nodes;
using Kv.Core.Merge;
using Kv.Core.Store;

namespace Kv.Actors.Queue;

/// <summary>
/// Owns the node's state. It applies what its queue delivers, publishes callers' commands and answers each
/// when the node's own delivery of it has been applied.
/// </summary>
internal sealed partial class QueueStoreActor : ReceiveActor, IWithTimers
{
    private const int ReserveRetryMs = 1_000;

    private readonly QueueStoreSettings _settings;
    private readonly IFanout _fanout;
    private readonly LamportFile _lamportFile;
    private readonly IActorRef _owner;
    private readonly IActorRef _publisher;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly MergeStore _store;
    private readonly CommandWindow _window;

    // Bound to the exchange: nothing is missed from here on.
    private bool _isAttached;

    // Has what a live peer has, or there is none; false again after each loss of the queue.
    private bool _isMerged;

    private string _detachedBecause = "not attached yet";
    private TaskCompletionSource? _drained;
    private Held? _held;
    private long _sequence;
    private long _reservedThrough;
    private bool _isReserving;
    private QueueCounters _counters = new();

    public QueueStoreActor(QueueStoreSettings settings, IFanout fanout, LamportFile lamportFile)
    {
        _settings = settings;
        _fanout = fanout;
        _lamportFile = lamportFile;
        _owner = Context.Parent;
        _store = new MergeStore(settings.NodeId, settings.Incarnation, settings.Order, settings.Time);
        _reservedThrough = settings.ReservedThrough;
        _window = new CommandWindow(settings.PublishWindow);
        _publisher = Context.ActorOf(
            QueuePublisherActor.Props(fanout, settings.RepublishDelayMs), "publisher");
        Receive<Execute>(execute => OnExecute(execute.Command));
        Receive<GiveUp>(giveUp => OnGiveUp(giveUp.Command));
        Receive<ReadKey>(OnReadKey);
        Receive<ReadAll>(OnReadAll);
        Receive<FanoutReceiver.Opened>(_ => Sender.Tell(FanoutReceiver.Next.Instance));
        Receive<IReadOnlyList<FanoutDelivery>>(batch => ApplyBatch(new Held(batch, 0, Sender)));
        Receive<FanoutReceiver.Closed>(_ => { });
        Receive<FanoutReceiver.Attached>(_ => OnAttached());
        Receive<FanoutReceiver.Lost>(lost => OnLost(lost.Cause));
        Receive<Reserved>(reserved => OnReserved(reserved.Through));
        Receive<ReserveFailed>(OnReserveFailed);
        Receive<RetryReserve>(_ => ReserveAhead());
        Receive<Open>(_ => Context.ActorOf(FanoutReceiver.Props(_fanout, _settings.Exchange), "receiver"));
        Receive<Drain>(OnDrain);
        ReceiveExchange();
    }

    /// <summary>From the owner, once: the node was let in and may use its queue.</summary>
    public sealed record Open
    {
        public static readonly Open Instance = new();
    }

    /// <summary>A caller's command; its answer says everything.</summary>
    public sealed record Execute(PendingCommand Command);

    /// <summary>The caller waits no longer.</summary>
    public sealed record GiveUp(PendingCommand Command);

    public sealed record ReadKey(byte[] Key, TaskCompletionSource<Reply.Got> Answer);

    public sealed record ReadAll(TaskCompletionSource<Reply.Printed> Answer);

    /// <summary>Takes no more commands; done when none is open.</summary>
    public sealed record Drain(TaskCompletionSource Done);

    public ITimerScheduler Timers { get; set; } = null!;

    private bool CanServe => _isAttached && _isMerged;

    /// <summary>
    /// A time that was not reserved may be used again after a restart, so it must not be used.
    /// </summary>
    private bool HasTimeReserved => _store.Time < _reservedThrough;

    /// <summary>See <see cref="StateHeader.Settled"/>.</summary>
    private long Settled => _window.OldestTimeInFlight is { } oldest ? oldest - 1 : _store.Time;

    public static Props Props(QueueStoreSettings settings, IFanout fanout, LamportFile lamportFile) =>
        Akka.Actor.Props.Create(() => new QueueStoreActor(settings, fanout, lamportFile));

    protected override SupervisorStrategy SupervisorStrategy() =>
        new AllForOneStrategy(_ => Directive.Escalate);

    protected override void PostStop()
    {
        _window.FailWaiting(KvError.Stopping, "The node stops.");
        _window.FailInFlight("The node stopped before it read the command back: it may be applied.");
        _drained?.TrySetResult();
    }

    private void OnExecute(PendingCommand command)
    {
        (KvError Code, string Because)? refusal = RefusalOf(command);
        if (refusal is { } refused)
        {
            command.Fail(refused.Code, refused.Because);
            return;
        }
        if (!_window.TryAdd(command))
        {
            command.Fail(KvError.Overloaded, $"{_window.Waiting} commands wait already.");
            return;
        }
        PublishNext();
    }

    private (KvError Code, string Because)? RefusalOf(PendingCommand command)
    {
        if (_drained is not null) { return (KvError.Stopping, "The node stops."); }
        if (!_isAttached)
        {
            return (KvError.LogUnavailable, $"Not connected to the broker: {_detachedBecause}");
        }
        if (_fanout.UnavailableBecause is { } because) { return (KvError.LogUnavailable, because); }
        if (!_isMerged) { return (KvError.NotReady, "The node is merging a peer's state."); }
        bool isDelete = command.Message.Command == QueueCommand.Del;
        return isDelete && _store.TombstoneCount >= MergeLimits.TombstonesMax
            ? (KvError.Overloaded, $"{_store.TombstoneCount} deletions wait for members to catch up.")
            : null;
    }

    /// <summary>
    /// A command gets its time and number only here: a number given and not published would be a gap.
    /// </summary>
    private void PublishNext()
    {
        while (CanServe && HasTimeReserved && _window.TryTakeNext(out PendingCommand? command))
        {
            var origin = new MessageOrigin(
                _store.NextTime(), _settings.NodeId, _settings.Incarnation, ++_sequence);
            _window.Published(origin.Sequence, origin.Time, command);
            _publisher.Tell(new QueuePublisherActor.Publish(origin.Sequence, new FanoutMessage(
                command.Body, QueueMessageCodec.ContentType, MessageHeaders.Of(origin))));
        }
        ReserveAhead();
    }

    private void OnGiveUp(PendingCommand command)
    {
        _window.GiveUp(command);
        EndDrainWhenEmpty();
    }

    private void OnReadKey(ReadKey read)
    {
        if (!CanServe)
        {
            read.Answer.TrySetException(NotServing());
            return;
        }
        read.Answer.TrySetResult(new Reply.Got(_store.Get(read.Key)) { Revision = 0, Order = _store.Order });
    }

    private void OnReadAll(ReadAll read)
    {
        if (!CanServe)
        {
            read.Answer.TrySetException(NotServing());
            return;
        }
        read.Answer.TrySetResult(new Reply.Printed(_store.Snapshot()) { Revision = 0, Order = _store.Order });
    }

    private KvException NotServing() => new(KvError.NotReady, Reason);

    private void OnAttached()
    {
        _isAttached = true;
        _isMerged = false;
        _owner.Tell(Attached.Instance);
        // The queue those were to come back through may be gone.
        _publisher.Tell(QueuePublisherActor.PublishAllAgain.Instance);
    }

    private void OnLost(Exception cause)
    {
        _detachedBecause = cause.Message;
        _isAttached = false;
        _isMerged = false;
        _held = null;
        _window.FailWaiting(KvError.LogUnavailable, $"Not published: {cause.Message}");
        _owner.Tell(Detached.Instance);
    }

    /// <summary>Applies a batch from where it stopped; asks for the next one at its end.</summary>
    private void ApplyBatch(Held batch)
    {
        _held = null;
        for (int at = batch.At; at < batch.Deliveries.Count; at++)
        {
            FanoutDelivery delivery = batch.Deliveries[at];
            if (TryRead(delivery, out QueueMessage? message, out string? problem))
            {
                if (NeedsOwnTime(message!) && !(_isMerged && HasTimeReserved))
                {
                    // All behind it waits, too: the broker keeps what we do not ask for.
                    _held = batch with { At = at };
                    ReserveAhead();
                    return;
                }
                Apply(message!);
            }
            else
            {
                _counters = _counters with { Malformed = _counters.Malformed + 1 };
                _log.Warning("Ignored a message that {Problem}", problem);
            }
            delivery.Acknowledge();
        }
        batch.From.Tell(FanoutReceiver.Next.Instance);
        EndDrainWhenEmpty();
        PublishNext();
    }

    private bool TryRead(FanoutDelivery delivery, out QueueMessage? message, out string? problem)
    {
        message = null;
        if (!MessageHeaders.TryRead(delivery.Headers, _store.Time, out MessageOrigin? origin, out problem)
            || !QueueMessageCodec.TryDecode(delivery.Body.Span, out message, out problem))
        {
            return false;
        }
        message = message with { Origin = origin };
        return true;
    }

    /// <summary>
    /// Such a write is stamped by our clock, which must have seen what the others have: before the node has
    /// merged, an old message would become the newest. By arrival nothing may overtake the copy of a peer's
    /// state.
    /// </summary>
    private bool NeedsOwnTime(QueueMessage message) =>
        _settings.Order == WriteOrder.Arrival || message.Origin is null;

    private void Apply(QueueMessage message)
    {
        ApplyResult result = _store.Apply(message);
        _counters = _counters.With(result.Outcome);
        PendingCommand? own = message.Origin is { } origin && IsOwn(origin)
            ? _window.ReadBack(origin.Sequence)
            : null;
        if (own is not null)
        {
            _publisher.Tell(new QueuePublisherActor.ReadBack(message.Origin!.Value.Sequence));
        }
        if (result.Outcome == ApplyOutcome.Applied)
        {
            LogApplied(message, result.Order);
            own?.Succeed(ReplyTo(message, result));
        }
        else if (result.Outcome == ApplyOutcome.Stale)
        {
            _log.Warning("Discarded message {Id} of {Sender}: it is older than the deletions still known",
                message.Uuid, message.SenderId);
            own?.Fail(KvError.OutcomeUnknown, "The command came back too late and was discarded.");
        }
    }

    private bool IsOwn(MessageOrigin origin) =>
        origin.Incarnation == _settings.Incarnation && origin.NodeId == _settings.NodeId;

    private Reply ReplyTo(QueueMessage message, ApplyResult result) => message.Command switch
    {
        QueueCommand.Get => new Reply.Got(_store.Get(message.Key)) { Revision = 0, Order = result.Order },
        QueueCommand.Print => new Reply.Printed(_store.Snapshot()) { Revision = 0, Order = result.Order },
        QueueCommand.Del => new Reply.Removed(result.Deleted) { Revision = 0, Order = result.Order },
        _ => new Reply.Done { Revision = 0, Order = result.Order },
    };

    private void LogApplied(QueueMessage message, long order)
    {
        if (!_log.IsInfoEnabled) { return; }
        _log.Info("Applied on {Node} order {Order}: {Command} key {Key} sender {Sender} id {Id}",
            _settings.NodeId, order, QueueMessageCodec.NameOf(message.Command),
            Encoding.UTF8.GetString(message.Key), message.SenderId, message.Uuid);
    }

    private void ReserveAhead()
    {
        bool isLow = _store.Time + (QueueStoreSettings.ReserveBlock / 2) > _reservedThrough;
        if (!isLow || _isReserving) { return; }
        _isReserving = true;
        _lamportFile.ReserveAsync(_store.Time + QueueStoreSettings.ReserveBlock).PipeTo(
            Self, success: through => new Reserved(through), failure: cause => new ReserveFailed(cause));
    }

    private void OnReserved(long through)
    {
        _isReserving = false;
        _reservedThrough = Math.Max(_reservedThrough, through);
        Resume();
    }

    private void OnReserveFailed(ReserveFailed failed)
    {
        _isReserving = false;
        _log.Error(failed.Cause, "Cannot reserve Lamport times; writes wait");
        Timers.StartSingleTimer(
            RetryReserve.Instance, RetryReserve.Instance, TimeSpan.FromMilliseconds(ReserveRetryMs));
    }

    /// <summary>What held the deliveries or the commands back may be over.</summary>
    private void Resume()
    {
        if (_held is { } held) { ApplyBatch(held); }
        PublishNext();
    }

    private void OnDrain(Drain drain)
    {
        _drained = drain.Done;
        EndDrainWhenEmpty();
    }

    private void EndDrainWhenEmpty()
    {
        if (_drained is not null && _window.IsEmpty) { _drained.TrySetResult(); }
    }

    /// <summary>A batch that waits, and where in it.</summary>
    private sealed record Held(IReadOnlyList<FanoutDelivery> Deliveries, int At, IActorRef From);

    private sealed record Reserved(long Through);

    private sealed record ReserveFailed(Exception Cause);

    private sealed record RetryReserve
    {
        public static readonly RetryReserve Instance = new();
    }
}
