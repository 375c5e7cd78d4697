using Akka.Actor;
using Akka.Event;
using Kv.Actors.Log;
using Kv.Actors.Nodes;
using Kv.Actors.Publishing;
using Kv.Actors.Snapshots;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Store;

/// <summary>
/// Owns the store and the order counter of one node. The log feed is the only thing that changes it; reads
/// are answered between two runs of entries.
/// </summary>
public sealed partial class StoreActor : ReceiveActor
{
    /// <summary>
    /// Sent by the log feed before each (re)connect; answered with <see cref="ResumePoint"/>.
    /// </summary>
    public sealed record GetResumePoint;

    /// <summary>
    /// Where one connection of the feed begins. The instance names the connection: two of them are never the
    /// same, whatever they say.
    /// </summary>
    /// <param name="Offset">Read from here, inclusive: the entry applied last is compared with ours.</param>
    /// <param name="ClusterId">
    /// The cluster applied so far; 0: nothing was applied, there is nothing to compare.
    /// </param>
    /// <param name="Chain">The chain digest at the offset.</param>
    public sealed record ResumePoint(long Offset, ulong ClusterId, Digest Chain);

    /// <summary>Records read over the connection that began at <paramref name="Point"/>.</summary>
    public sealed record FeedRun(ResumePoint Point, IReadOnlyList<LogRecord> Records);

    /// <summary>
    /// From the log feed: the first message behind the log's tail, as of a (re)connect, stands at this
    /// offset.
    /// </summary>
    /// <param name="AppliedOffset">What the store had applied when it gave the resume point.</param>
    public sealed record TailSeen(long Offset, long AppliedOffset);

    /// <summary>Sent by the stream before its first element and answered like an element.</summary>
    public sealed record FeedStarted;

    /// <summary>Acknowledges a run of entries: the stream may send the next.</summary>
    public sealed record FeedAck;

    public sealed record FeedFailed(Exception Cause);

    /// <summary>
    /// From the publisher: who answers clients here, and the nonce of its registration. The store tells it
    /// <see cref="PublisherActor.Founded"/>, <see cref="PublisherActor.Registered"/> and
    /// <see cref="PublisherActor.ReadBack"/>.
    /// </summary>
    public sealed record Attach(UInt128 Nonce);

    /// <summary>Answered with <see cref="Reply.Got"/> or <see cref="NotServing"/>.</summary>
    public sealed record GetLocal(ReadOnlyMemory<byte> Key);

    /// <summary>Answered with <see cref="Reply.Printed"/> or <see cref="NotServing"/>.</summary>
    public sealed record PrintLocal;

    /// <summary>Answered with <see cref="StoreStatus"/> in every state.</summary>
    public sealed record GetStatus;

    public sealed record NotServing(KvError Code, string Why);

    public sealed record StoreStatus(
        NodeState State,
        string Reason,
        ulong ClusterId,
        long AppliedOffset,
        long Revision,
        long Order,
        long Keys,
        Digest Chain,
        long Strays,
        long Producers,
        string FeedTrouble);

    private readonly string _nodeId;
    private readonly ulong _expectedClusterId;
    private readonly Action<ulong> _onClusterKnown;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly ApplyLog _applyLog;
    private KeyValueStore _store = new();

    // Names the feed's present connection; null before it asked. Runs that were read ahead over a former one
    // may still come behind it.
    private ResumePoint? _point;
    private bool _checksResumedEntry;
    private IActorRef _publisher = ActorRefs.Nobody;
    private UInt128 _nonce;
    private long _producerId = LogEntry.NoProducer;
    private string _haltReason = "";
    private string _feedTrouble = "";

    /// <param name="expectedClusterId">The cluster this node's data directory belongs to; 0: any.</param>
    /// <param name="onClusterKnown">Called when the genesis was applied, before anything else is.</param>
    /// <param name="awaitsSnapshot">Wait for <see cref="Start"/>; else it starts empty, at once.</param>
    public static Props Props(
        string nodeId, ulong expectedClusterId, Action<ulong> onClusterKnown, bool awaitsSnapshot = false) =>
        Akka.Actor.Props.Create(
            () => new StoreActor(nodeId, expectedClusterId, onClusterKnown, awaitsSnapshot));

    public StoreActor(
        string nodeId, ulong expectedClusterId, Action<ulong> onClusterKnown, bool awaitsSnapshot)
    {
        _nodeId = nodeId;
        _expectedClusterId = expectedClusterId;
        _onClusterKnown = onClusterKnown;
        _applyLog = new ApplyLog(nodeId, _log);
        if (awaitsSnapshot)
        {
            _awaits = "This node is reading its snapshot.";
            AwaitingSnapshot();
        }
        else
        {
            Following();
        }
    }

    private void Following()
    {
        Receive<FeedRun>(Deliver);
        Receive<GetLocal>(read => ReplyIfServing(() => new Reply.Got(_store.Get(read.Key.Span))
        {
            Revision = _store.Revision,
            Order = _store.Order,
        }));
        Receive<PrintLocal>(_ => ReplyIfServing(() => new Reply.Printed(_store.View())
        {
            Revision = _store.Revision,
            Order = _store.Order,
        }));
        Always();
    }

    /// <summary>The log contradicts what was applied: nothing is served, nothing thrown away.</summary>
    private void Halted()
    {
        // No acknowledgement: the stream stands still.
        Receive<FeedRun>(_ => { });
        Receive<GetLocal>(_ => Sender.Tell(new NotServing(KvError.Halted, _haltReason)));
        Receive<PrintLocal>(_ => Sender.Tell(new NotServing(KvError.Halted, _haltReason)));
        Always();
    }

    private void Always()
    {
        Receive<GetStatus>(_ => Sender.Tell(Status()));
        Receive<Attach>(AttachPublisher);
        Receive<GetResumePoint>(_ => GiveResumePoint(Sender));
        Receive<CaptureNow>(_ => GiveCapture(Sender));
        Receive<CaptureAfter>(after => (_captureAsker, _captureAfterBytes) = (Sender, after.LogBytes));
        Receive<FeedStarted>(_ => Sender.Tell(new FeedAck()));
        Receive<FeedFailed>(FeedHasFailed);
        Receive<TailSeen>(CheckTail);
    }

    private void GiveResumePoint(IActorRef asker)
    {
        _checksResumedEntry = _store.AppliedOffset >= 0;
        _point = new ResumePoint(
            Math.Max(0, _store.AppliedOffset), _store.Genesis?.ClusterId ?? 0, _store.Chain);
        asker.Tell(_point);
    }

    private void FeedHasFailed(FeedFailed failed)
    {
        if (failed.Cause is FeedReplacedException)
        {
            return;
        }
        bool isNews = failed.Cause.Message != _feedTrouble;
        _feedTrouble = failed.Cause.Message;
        if (failed.Cause is LogMissingException && _store.Genesis is not null)
        {
            Halt($"The log is gone. {failed.Cause.Message}");
            return;
        }
        // Attempts go on every few seconds: only another cause is worth another line.
        if (isNews)
        {
            _log.Warning("{Node} lost the log: {Cause}", _nodeId, failed.Cause.Message);
        }
    }

    // A reader beyond the end of a log waits in silence, as it does on a log that was made anew and is
    // shorter: only where the next message stands tells the two apart.
    private void CheckTail(TailSeen seen)
    {
        if (seen.Offset <= seen.AppliedOffset)
        {
            Halt($"The log goes on at offset {seen.Offset}, but this node has applied it up to offset "
                + $"{seen.AppliedOffset}: it was rewritten or recreated.");
        }
    }

    private void Deliver(FeedRun run)
    {
        if (!ReferenceEquals(run.Point, _point))
        {
            // Behind the resume point it would look like a log that lost entries. It comes again.
            Sender.Tell(new FeedAck());
            return;
        }
        foreach (LogRecord record in run.Records)
        {
            if (!Take(record))
            {
                return;
            }
        }
        if (_feedTrouble.Length > 0)
        {
            _log.Info("{Node} reads the log again", _nodeId);
            _feedTrouble = "";
        }
        _publisher.Tell(new PublisherActor.Applied(_store.AppliedOffset, _store.Chain));
        Sender.Tell(new FeedAck());
        GiveCaptureIfDue();
    }

    /// <returns>False: nothing more is taken for now; the node halted or needs a snapshot.</returns>
    private bool Take(LogRecord record)
    {
        if (_checksResumedEntry && !ResumesWhereItWas(record))
        {
            return false;
        }
        if (record.Offset <= _store.AppliedOffset)
        {
            // The feed begins with the entry applied last.
            return true;
        }
        bool wasFounded = _store.Genesis is not null;
        AppliedEntry applied = _store.Apply(record.Offset, record.Entry, _producerId);
        if (applied.Fate == EntryFate.Halt)
        {
            StopTaking(applied.Why, TellIfStartIsGone(applied) ? record.Offset : null);
            return false;
        }
        _mayBeReplaced &= _store.Genesis is null;
        _captureAfterBytes -= record.Entry.Length;
        if (!wasFounded && _store.Genesis is { } genesis && !AcceptCluster(genesis))
        {
            return false;
        }
        _applyLog.Note(record.Offset, applied);
        TellPublisher(record.Offset, applied);
        return true;
    }

    private bool ResumesWhereItWas(LogRecord record)
    {
        if (record.Offset < _store.AppliedOffset)
        {
            return true;
        }
        _checksResumedEntry = false;
        if (record.Offset == _store.AppliedOffset && Digest.Of(record.Entry.Span) == _store.AppliedHash)
        {
            _mayBeReplaced = false;
            return true;
        }
        bool isGone = record.Offset > _store.AppliedOffset;
        StopTaking(
            $"The log no longer has the entry that was applied at offset {_store.AppliedOffset}: it was "
                + "rewritten, recreated or truncated.",
            isGone ? record.Offset : null);
        return false;
    }

    private bool AcceptCluster(Genesis genesis)
    {
        if (_expectedClusterId != 0 && genesis.ClusterId != _expectedClusterId)
        {
            Halt($"The log belongs to cluster {genesis.ClusterId:x16}; this node's data directory belongs to "
                + $"{_expectedClusterId:x16}.");
            return false;
        }
        _log.Info("{Node} is a member of cluster {ClusterId}", _nodeId, genesis.ClusterId.ToString("x16"));
        _onClusterKnown(genesis.ClusterId);
        _publisher.Tell(new PublisherActor.Founded(genesis.ClusterId));
        return true;
    }

    private void Halt(string why)
    {
        if (_haltReason.Length > 0)
        {
            return;
        }
        _haltReason = why;
        _log.Error("{Node} halts at offset {Offset}: {Why}", _nodeId, _store.AppliedOffset, why);
        _publisher.Tell(new PublisherActor.Halted(why));
        _snapshots.Tell(new SnapshotActor.Pin());
        Become(Halted);
    }

    private void TellPublisher(long offset, AppliedEntry applied)
    {
        if (applied.Entry is not { } entry)
        {
            return;
        }
        if (entry.Commands is [{ Command: Command.Register register }]
            && register.Nonce == _nonce
            && applied.Fate == EntryFate.Applied
            && _producerId == LogEntry.NoProducer)
        {
            _producerId = offset;
            _publisher.Tell(
                new PublisherActor.Registered(_nonce, offset, _store.AppliedOffset, _store.Chain));
        }
        else if (entry.ProducerId == _producerId && _producerId != LogEntry.NoProducer)
        {
            _publisher.Tell(new PublisherActor.ReadBack(
                entry.ProducerId, entry.Sequence, applied.Hash, applied.Fate, applied.Replies));
        }
    }

    private void AttachPublisher(Attach attach)
    {
        _publisher = Sender;
        _nonce = attach.Nonce;
        _producerId = LogEntry.NoProducer;
        if (_haltReason.Length > 0)
        {
            _publisher.Tell(new PublisherActor.Halted(_haltReason));
        }
        else if (_store.Genesis is { } genesis)
        {
            _publisher.Tell(new PublisherActor.Founded(genesis.ClusterId));
        }
    }

    private void ReplyIfServing(Func<object> reply)
    {
        Sender.Tell(_producerId == LogEntry.NoProducer
            ? new NotServing(KvError.NotReady, CatchingUp)
            : reply());
    }

    private const string CatchingUp = "This node has not caught up with the log yet.";

    private StoreStatus Status()
    {
        (NodeState state, string reason) = _haltReason.Length > 0
            ? (NodeState.Halted, _haltReason)
            : _producerId != LogEntry.NoProducer
                ? (NodeState.Ready, "")
                : (NodeState.Starting, _awaits.Length > 0 ? _awaits : CatchingUp);
        return new StoreStatus(
            state,
            reason,
            _store.Genesis?.ClusterId ?? 0,
            _store.AppliedOffset,
            _store.Revision,
            _store.Order,
            _store.Count,
            _store.Chain,
            _store.Strays,
            _store.Producers.Count,
            _feedTrouble);
    }
}
