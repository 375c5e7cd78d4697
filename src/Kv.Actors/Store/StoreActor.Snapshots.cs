using Akka.Actor;
using Akka.Event;
using Kv.Actors.Nodes;
using Kv.Actors.Publishing;
using Kv.Actors.Snapshots;
using Kv.Core.Entries;
using Kv.Core.Snapshots;
using Kv.Core.Store;

namespace Kv.Actors.Store;

/// <summary>Where the store's state comes from at a start, and how it is captured.</summary>
public sealed partial class StoreActor
{
    /// <summary>From the snapshots: what to go on from, once, before anything is applied.</summary>
    /// <param name="Store">Restored from a snapshot, and the receiver's from now on; null: none.</param>
    /// <param name="MayBeReplaced">
    /// When the log does not lead on from there, a peer's snapshot may take its place: false halts.
    /// </param>
    public sealed record Start(KeyValueStore? Store, bool MayBeReplaced);

    /// <summary>
    /// Answered at once, in every state, with <see cref="Captured"/> or <see cref="NothingToCapture"/>.
    /// </summary>
    public sealed record CaptureNow;

    /// <summary>
    /// Answered with <see cref="Captured"/> when so many more bytes of the log were applied. The last one
    /// asked for counts.
    /// </summary>
    public sealed record CaptureAfter(long LogBytes);

    public sealed record Captured(StoreCapture Capture, NodeState State);

    public sealed record NothingToCapture;

    // Until the log was seen to lead on from what the store has, a peer's snapshot may replace that.
    private bool _mayBeReplaced;
    private string _awaits = "";
    private IActorRef _snapshots = ActorRefs.Nobody;
    private IActorRef? _resumeAsker;
    private IActorRef? _captureAsker;
    private long _captureAfterBytes;

    /// <summary>
    /// It has no state to go on from: at the start, and when its own does not lead into the log any more.
    /// </summary>
    private void AwaitingSnapshot()
    {
        Receive<Start>(Begin);
        // No acknowledgement: the stream stands still.
        Receive<FeedRun>(_ => { });
        Receive<GetLocal>(_ => Sender.Tell(new NotServing(KvError.NotReady, _awaits)));
        Receive<PrintLocal>(_ => Sender.Tell(new NotServing(KvError.NotReady, _awaits)));
        Receive<GetResumePoint>(_ => _resumeAsker = Sender);
        Always();
    }

    private void Begin(Start start)
    {
        _snapshots = Sender;
        _mayBeReplaced = start.MayBeReplaced;
        _awaits = "";
        Become(Following);
        if (start.Store is { } restored && !GoOnFrom(restored))
        {
            return;
        }
        if (_resumeAsker is { } asker)
        {
            GiveResumePoint(asker);
        }
        else if (_point is not null)
        {
            // The feed stands still where the log did not lead on.
            _point = null;
            Context.Parent.Tell(new LogNodeActor.StartFeedAnew());
        }
        _resumeAsker = null;
    }

    /// <returns>False: the node halted.</returns>
    private bool GoOnFrom(KeyValueStore restored)
    {
        if (_store.Genesis is not null && !restored.Agrees(_store.AppliedOffset, _store.Chain))
        {
            Halt($"A peer's snapshot has another history up to offset {_store.AppliedOffset} than this "
                + "node has.");
            return false;
        }
        _store = restored;
        return AcceptCluster(restored.Genesis!);
    }

    private void AwaitPeer(long offsetMin, string why)
    {
        _awaits = $"{why} The node looks for a peer's snapshot.";
        _log.Warning("{Node} needs a peer's snapshot: {Why}", _nodeId, why);
        ulong clusterId = _expectedClusterId != 0 ? _expectedClusterId : _store.Genesis?.ClusterId ?? 0;
        _snapshots.Tell(new SnapshotActor.Fetch(offsetMin, clusterId));
        Become(AwaitingSnapshot);
    }

    // Entries of ours without a genesis before them: there is a cluster, and nobody may found another.
    private bool TellIfStartIsGone(AppliedEntry applied)
    {
        bool isGone = _store.Genesis is null
            && applied.Entry is { Commands: not [{ Command: Command.Found }] };
        if (isGone)
        {
            _publisher.Tell(new PublisherActor.Founded(applied.Entry!.ClusterId));
        }
        return isGone;
    }

    /// <param name="firstRetained">
    /// Where the log begins, if all that is wrong is that it begins too late; else null.
    /// </param>
    private void StopTaking(string why, long? firstRetained)
    {
        if (_mayBeReplaced && firstRetained is { } offset)
        {
            AwaitPeer(offset, why);
        }
        else
        {
            Halt(why);
        }
    }

    private void GiveCapture(IActorRef asker)
    {
        object answer = _store.Genesis is null
            ? new NothingToCapture()
            : new Captured(_store.Capture(), Status().State);
        asker.Tell(answer);
    }

    private void GiveCaptureIfDue()
    {
        if (_captureAsker is { } asker && _captureAfterBytes <= 0 && _store.Genesis is not null)
        {
            _captureAsker = null;
            GiveCapture(asker);
        }
    }
}
