using Akka.Actor;
using Akka.Event;
using Kv.Actors.Nodes;
using Kv.Actors.Publishing;
using Kv.Actors.Store;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Upkeep;

/// <summary>
/// Looks at the store once in a while: compacts its history as the policy says, and raises the alarm NOSPACE
/// when it is beyond its quota. Nobody but an operator clears an alarm.
/// </summary>
public sealed class UpkeepActor : ReceiveActor, IWithTimers
{
    private sealed record Look;

    private sealed record Ended(Command Command, Reply? Reply, Exception? Cause);

    /// <summary>Time between two looks, ms.</summary>
    private const int LookEveryMs = 1_000;

    private readonly string _nodeId;
    private readonly IActorRef _store;
    private readonly IActorRef _publisher;
    private readonly UpkeepOptions _options;
    private readonly CompactionPlan _compaction;
    private readonly TimeProvider _clock;
    private readonly long _begun;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private bool _isUnderWay;

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(
        string nodeId, IActorRef store, IActorRef publisher, UpkeepOptions options, TimeProvider clock) =>
        Akka.Actor.Props.Create(() => new UpkeepActor(nodeId, store, publisher, options, clock));

    public UpkeepActor(
        string nodeId, IActorRef store, IActorRef publisher, UpkeepOptions options, TimeProvider clock)
    {
        _nodeId = nodeId;
        _store = store;
        _publisher = publisher;
        _options = options;
        _compaction = new CompactionPlan(options.Compaction);
        _clock = clock;
        _begun = clock.GetTimestamp();
        Receive<Look>(_ => _store.Tell(new StoreActor.GetKeyState()));
        Receive<StoreActor.KeyState>(Consider);
        Receive<StoreActor.NotServing>(static _ => { });
        Receive<Ended>(End);
    }

    protected override void PreStart() => Timers.StartPeriodicTimer(
        nameof(Look), new Look(), TimeSpan.FromMilliseconds(LookEveryMs));

    private void Consider(StoreActor.KeyState state)
    {
        if (_isUnderWay)
        {
            return;
        }
        ulong memberId = MemberId.Of(_nodeId);
        if (_options.QuotaBytes > 0
            && state.Bytes > _options.QuotaBytes
            && !state.Alarms.Contains(new RaisedAlarm(memberId, AlarmKind.NoSpace)))
        {
            _log.Warning(
                "{Node} raises the alarm NOSPACE: keys and history have {Bytes} bytes, the quota is {Quota}",
                _nodeId, state.Bytes, _options.QuotaBytes);
            Propose(new Command.Alarm(memberId, AlarmKind.NoSpace, IsRaised: true));
        }
        else if (_compaction.Next(
            _clock.GetElapsedTime(_begun),
            state.Revision,
            state.CompactedRevision,
            isFull: state.HistoryBytes > _options.HistoryBytesMax) is { } revision)
        {
            Propose(new Command.Compact(revision));
        }
    }

    private void Propose(Command command)
    {
        _isUnderWay = true;
        var pending = new PendingCommand(command, requestId: null, principal: Principal.Cluster);
        pending.Reply.PipeTo(
            Self,
            success: reply => new Ended(command, reply, null),
            failure: cause => new Ended(command, null, cause));
        _publisher.Tell(new PublisherActor.Submit(pending));
    }

    // What did not come through is seen again at the next look.
    private void End(Ended ended)
    {
        _isUnderWay = false;
        if (ended is { Command: Command.Compact compact, Reply: Reply.Done })
        {
            _log.Info("{Node} compacted the history to revision {Revision}", _nodeId, compact.Revision);
        }
        else if (ended.Cause is { } cause)
        {
            _log.Debug("{Node} sees to its keys later: {Cause}", _nodeId, cause.Message);
        }
    }
}
