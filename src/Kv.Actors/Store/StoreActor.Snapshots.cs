using Akka.Actor;
using Kv.Actors.Journal;
using Kv.Actors.Nodes;
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
    /// <param name="Journal">How reading the journal ended; null: it was not read.</param>
    public sealed record Start(KeyValueStore? Store, bool MayBeReplaced, JournalReading? Journal = null);

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

    private IActorRef _snapshots = ActorRefs.Nobody;
    private IActorRef? _captureAsker;
    private long _captureAfterBytes;

    private void Begin(Start start)
    {
        _snapshots = Sender;
        TellServesNoMore(KvError.NotReady, "This node goes on from a snapshot.");
        _follower.Begin(start.Store, start.MayBeReplaced);
        BeginJournal(start.Journal);
    }

    private void GiveCapture(IActorRef asker)
    {
        object answer = Store.Genesis is null
            ? new NothingToCapture()
            : new Captured(Store.Capture(), State.State);
        asker.Tell(answer);
    }

    private void GiveCaptureIfDue()
    {
        if (_captureAsker is { } asker && _captureAfterBytes <= 0 && Store.Genesis is not null)
        {
            _captureAsker = null;
            GiveCapture(asker);
        }
    }
}
