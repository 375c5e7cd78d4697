using Akka.Actor;
using Kv.Actors.Nodes;
using Kv.Core.Store;
using Kv.Core.Watch;

namespace Kv.Actors.Store;

/// <summary>Tells the watches of what is written.</summary>
public sealed partial class StoreActor
{
    /// <summary>
    /// From the watches: from now on the sender is told <see cref="Changes"/>. Answered with <see
    /// cref="Following"/> or <see cref="NotServing"/>.
    /// </summary>
    internal sealed record FollowChanges;

    internal sealed record UnfollowChanges;

    /// <param name="Now">What was written before the first <see cref="Changes"/>.</param>
    internal sealed record Following(WatchHistory Now);

    /// <summary>What one entry wrote; told before the entry's writers are answered.</summary>
    /// <param name="Now">With the events.</param>
    internal sealed record Changes(IReadOnlyList<WatchEvent> Events, WatchHistory Now);

    /// <summary>What was told is right; what comes will not be told.</summary>
    internal sealed record ServesNoMore(KvError Code, string Why);

    private IActorRef? _watches;
    private long _toldRevision;
    private long _toldCompactedRevision;

    private void ReceiveWatching()
    {
        Receive<FollowChanges>(_ => ReplyIfServing(() =>
        {
            _watches = Sender;
            NoteTold();
            return new Following(WatchHistory.Of(Store));
        }));
        Receive<UnfollowChanges>(_ => _watches = null);
    }

    private void TellChanges()
    {
        if (_watches is null
            || (Store.Revision == _toldRevision && Store.CompactedRevision == _toldCompactedRevision))
        {
            return;
        }
        RevisionLogView mutations = Store.Mutations;
        int first = mutations.Count;
        while (first > 0 && mutations[first - 1].ModRevision > _toldRevision)
        {
            first--;
        }
        var events = new WatchEvent[mutations.Count - first];
        for (int i = 0; i < events.Length; i++)
        {
            KeyRecord record = mutations[first + i];
            events[i] = new WatchEvent(record, record.PreviousPut);
        }
        _watches.Tell(new Changes(events, WatchHistory.Of(Store)));
        NoteTold();
    }

    private void NoteTold() =>
        (_toldRevision, _toldCompactedRevision) = (Store.Revision, Store.CompactedRevision);

    private void TellServesNoMore(KvError code, string why)
    {
        _watches?.Tell(new ServesNoMore(code, why));
        _watches = null;
    }
}
