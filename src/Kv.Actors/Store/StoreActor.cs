using Akka.Actor;
using Akka.Event;
using Kv.Actors.Journal;
using Kv.Actors.Log;
using Kv.Actors.Membership;
using Kv.Actors.Nodes;
using Kv.Actors.Publishing;
using Kv.Actors.Snapshots;
using Kv.Core;
using Kv.Core.Auth;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Store;

/// <summary>
/// Owns the store and the order counter of one node. The log feed is the only thing that changes it; reads
/// are answered between two runs of entries. What it does with the log's records is decided by <see
/// cref="LogFollower"/>.
/// </summary>
public sealed partial class StoreActor : ReceiveActor, ILogFollowerPort
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

    /// <summary>From the membership: answered with <see cref="Compared"/>.</summary>
    internal sealed record Compare(PeerClaim Claim);

    internal sealed record Compared(PeerClaim Claim, HistoryVerdict Verdict);

    /// <summary>From the membership: the log is not what a peer has read of it.</summary>
    internal sealed record HaltNow(string Why);

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
        Digest Contents,
        long Strays,
        long Producers,
        string FeedTrouble,
        LogStatus Log);

    private const string CatchingUp = "This node has not caught up with the log yet.";

    private readonly string _nodeId;
    private readonly Action<ulong> _onClusterKnown;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly ApplyLog _applyLog;
    private readonly LogFollower _follower;
    private IActorRef _publisher = ActorRefs.Nobody;
    private IActorRef _resumeAsker = ActorRefs.Nobody;
    private string _feedTrouble = "";

    /// <param name="expectedClusterId">The cluster this node's data directory belongs to; 0: any.</param>
    /// <param name="onClusterKnown">Called when the genesis was applied, before anything else is.</param>
    /// <param name="awaitsSnapshot">Wait for <see cref="Start"/>; else it starts empty, at once.</param>
    /// <param name="journal">Null: none is kept.</param>
    /// <param name="rules">For a store that starts empty; null: those of this build.</param>
    /// <param name="onAuthChanged">
    /// Called with another table of users and roles, before anything applied with it is answered.
    /// </param>
    public static Props Props(
        string nodeId,
        ulong expectedClusterId,
        Action<ulong> onClusterKnown,
        bool awaitsSnapshot = false,
        IActorRef? journal = null,
        StoreRules? rules = null,
        Action<AuthTable>? onAuthChanged = null) => Akka.Actor.Props.Create(
            () => new StoreActor(
                nodeId,
                expectedClusterId,
                onClusterKnown,
                awaitsSnapshot,
                journal,
                rules,
                onAuthChanged));

    public StoreActor(
        string nodeId,
        ulong expectedClusterId,
        Action<ulong> onClusterKnown,
        bool awaitsSnapshot,
        IActorRef? journal,
        StoreRules? rules,
        Action<AuthTable>? onAuthChanged)
    {
        _onAuthChanged = onAuthChanged;
        _journal = journal;
        _nodeId = nodeId;
        _onClusterKnown = onClusterKnown;
        _applyLog = new ApplyLog(nodeId, _log, (rules ?? StoreRules.OfThisBuild).SkipOffsets);
        _follower = new LogFollower(expectedClusterId, this, rules);
        if (awaitsSnapshot)
        {
            _follower.Await("This node is reading its snapshot.");
        }
        Receive<Start>(Begin);
        Receive<FeedStarted>(_ => Sender.Tell(new FeedAck()));
        Receive<FeedRun>(Deliver);
        Receive<FeedFailed>(FeedHasFailed);
        Receive<TailSeen>(_follower.CheckTail);
        Receive<GetResumePoint>(_ =>
        {
            _resumeAsker = Sender;
            _follower.GiveResumePoint();
        });
        Receive<Attach>(attach =>
        {
            _publisher = Sender;
            _follower.Attach(attach.Nonce);
            TellPersisted();
        });
        Receive<JournalActor.WriteOut>(writeOut => _journal.Forward(writeOut));
        Receive<JournalActor.Taken>(NoteTaken);
        Receive<PublisherActor.Persisted>(persisted =>
        {
            _persisted = persisted;
            TellPersisted();
        });
        ReceiveReads();
        ReceiveWatching();
        ReceiveLeases();
        Receive<GetStatus>(_ => Sender.Tell(Status()));
        Receive<Compare>(compare => Sender.Tell(new Compared(
            compare.Claim,
            Store.Compare(compare.Claim.Offset, compare.Claim.Chain, compare.Claim.Contents))));
        Receive<HaltNow>(halt => _follower.Halt(halt.Why));
        Receive<CaptureNow>(_ => GiveCapture(Sender));
        Receive<CaptureAfter>(after => (_captureAsker, _captureAfterBytes) = (Sender, after.LogBytes));
    }

    private KeyValueStore Store => _follower.Store;

    private (NodeState State, string Reason) State => _follower switch
    {
        { IsHalted: true } => (NodeState.Halted, _follower.HaltReason),
        { Awaits.Length: > 0 } => (NodeState.Starting, _follower.Awaits),
        { HasCaughtUp: false } => (NodeState.Starting, CatchingUp),
        _ => (NodeState.Ready, ""),
    };

    void ILogFollowerPort.Resume(ResumePoint point)
    {
        _resumeAsker.Tell(point);
        _journal?.Tell(new JournalActor.Connected());
    }

    void ILogFollowerPort.StartFeedAnew() => Context.Parent.Tell(new LogNodeActor.StartFeedAnew());

    void ILogFollowerPort.TellPublisher(object word)
    {
        PublishAuth();
        _publisher.Tell(word);
    }

    void ILogFollowerPort.ClusterKnown(ulong clusterId)
    {
        _log.Info("{Node} is a member of cluster {ClusterId}", _nodeId, clusterId.ToString("x16"));
        _onClusterKnown(clusterId);
    }

    void ILogFollowerPort.Applied(LogRecord record, AppliedEntry applied)
    {
        _captureAfterBytes -= record.Entry.Length + KvLimits.LogMessageBytesExtra;
        _applyLog.Note(record.Offset, applied);
        _leaseNews.Note(applied);
        NoteForJournal(record);
        TellChanges();
    }

    void ILogFollowerPort.Halted(string why)
    {
        _log.Error("{Node} halts at offset {Offset}: {Why}", _nodeId, Store.AppliedOffset, why);
        _snapshots.Tell(new SnapshotActor.Pin());
        TellServesNoMore(KvError.Halted, why);
    }

    void ILogFollowerPort.NeedsSnapshot(long offsetMin, ulong clusterId, string why)
    {
        _log.Warning("{Node} needs a peer's snapshot: {Why}", _nodeId, why);
        _snapshots.Tell(new SnapshotActor.Fetch(offsetMin, clusterId));
    }

    private void Deliver(FeedRun run)
    {
        // Without the acknowledgement the stream stands still.
        bool wantsMore = _follower.Deliver(run);
        HandToJournal();
        TellLessor();
        if (!wantsMore)
        {
            return;
        }
        if (_feedTrouble.Length > 0)
        {
            _log.Info("{Node} reads the log again", _nodeId);
            _feedTrouble = "";
        }
        AcknowledgeWhenJournaled(Sender);
        GiveCaptureIfDue();
    }

    private void FeedHasFailed(FeedFailed failed)
    {
        if (failed.Cause is FeedReplacedException)
        {
            return;
        }
        bool isNews = failed.Cause.Message != _feedTrouble;
        _feedTrouble = failed.Cause.Message;
        if (failed.Cause is LogMissingException)
        {
            _follower.NoteLogMissing(failed.Cause.Message);
        }
        // Attempts go on every few seconds: only another cause is worth another line.
        if (isNews && !_follower.IsHalted)
        {
            _log.Warning("{Node} lost the log: {Cause}", _nodeId, failed.Cause.Message);
        }
    }

    private StoreStatus Status()
    {
        (NodeState state, string reason) = State;
        return new StoreStatus(
            state,
            reason,
            Store.Genesis?.ClusterId ?? 0,
            Store.AppliedOffset,
            Store.Revision,
            Store.Order,
            Store.Count,
            Store.Chain,
            Store.Contents,
            Store.Strays,
            Store.Producers.Count,
            _feedTrouble,
            new LogStatus(
                Store.Cluster.Version,
                Store.Cluster.Size,
                Store.Cluster.CoveredOffset,
                Store.Cluster.UncoveredBytes,
                Store.Cluster.Skips,
                [.. Store.Cluster.SkippedOffsets]));
    }
}
