using Akka.Actor;
using Akka.Event;
using Kv.Actors.Nodes;
using Kv.Actors.Presence;
using Kv.Core.Entries;
using Kv.Core.Merge;

namespace Kv.Actors.Queue;

/// <summary>The store's part in presence and anti-entropy.</summary>
internal sealed partial class QueueStoreActor
{
    // Tombstones dropped at a time: some milliseconds.
    private const int SweptPerRound = 8_192;

    private StateImport? _import;

    /// <summary>To the owner: the queue is bound; what is pulled from now on leaves no gap.</summary>
    public sealed record Attached
    {
        public static readonly Attached Instance = new();
    }

    /// <summary>To the owner: the queue is lost.</summary>
    public sealed record Detached
    {
        public static readonly Detached Instance = new();
    }

    /// <summary>What the state is now; answered with a <see cref="Description"/>.</summary>
    public sealed record Describe
    {
        public static readonly Describe Instance = new();
    }

    /// <summary>As <see cref="Describe"/>, for callers that are not actors.</summary>
    public sealed record DescribeTo(TaskCompletionSource<Description> Answer);

    public sealed record Description(
        NodeState State, string Reason, long Order, int Keys, int Tombstones, long Missing, long Time,
        long Settled, long Floor, ulong[] Buckets, QueueCounters Counters)
    {
        public Digest Digest => LeafDigests.DigestOf(Buckets);
    }

    /// <summary>Compares a peer's digests with the state now; answered with <see cref="Compared"/>.</summary>
    public sealed record Compare(Announcement Peer);

    /// <param name="Differing">A bit for each bucket.</param>
    public sealed record Compared(Announcement Peer, ulong Differing);

    /// <summary>The state at this moment, for a peer.</summary>
    public sealed record TakeExport(TaskCompletionSource<StateExport> Answer);

    public sealed record TakeLeaves(TaskCompletionSource<ulong[]> Answer);

    public sealed record BeginImport(StateHeader Header);

    /// <summary>
    /// Parts of leaves of the state that is being imported; completes when they are merged.
    /// </summary>
    public sealed record ImportParts(IReadOnlyList<LeafPart> Parts, TaskCompletionSource Done);

    /// <summary>All was imported; answers with the number of changes.</summary>
    public sealed record CompleteImport(TaskCompletionSource<int> Answer);

    /// <summary>A live peer's state is in, or there is no live peer: the node may serve.</summary>
    public sealed record Serve
    {
        public static readonly Serve Instance = new();
    }

    public sealed record RaiseFloor(long Floor);

    public sealed record CloseGaps
    {
        public static readonly CloseGaps Instance = new();
    }

    private string Reason => (_isAttached, _isMerged) switch
    {
        (false, _) => $"Not connected to the broker: {_detachedBecause}",
        (true, false) => "Looking for a peer to merge with.",
        _ => "",
    };

    private void ReceiveExchange()
    {
        Receive<Describe>(_ => Sender.Tell(ToDescription()));
        Receive<DescribeTo>(describe => describe.Answer.TrySetResult(ToDescription()));
        Receive<Compare>(OnCompare);
        Receive<TakeExport>(take => take.Answer.TrySetResult(_store.Export(Settled)));
        Receive<TakeLeaves>(take => take.Answer.TrySetResult(_store.Digests.CopyLeaves()));
        Receive<BeginImport>(begin => _import = _store.Import(begin.Header, isFirst: !_isMerged));
        Receive<ImportParts>(OnImportParts);
        Receive<CompleteImport>(OnCompleteImport);
        Receive<Serve>(_ => OnServe());
        Receive<RaiseFloor>(raise =>
        {
            _store.RaiseFloor(raise.Floor);
            _store.SweepTombstones(SweptPerRound);
        });
        Receive<CloseGaps>(_ => _store.CloseGaps());
    }

    private Description ToDescription() => new(
        CanServe ? NodeState.Ready : NodeState.Starting, Reason, _store.Order, _store.Count,
        _store.TombstoneCount,
        _store.MissingMessages, _store.Time, Settled, _store.Floor, _store.Digests.CopyBuckets(), _counters);

    private void OnCompare(Compare compare)
    {
        QueueAnnouncement peer = compare.Peer.Queue!;
        // One that is absurdly ahead must not use up the clock.
        if (peer.Time - _store.Time <= MergeLimits.TimeLeapMax) { _store.Observe(peer.Time); }
        ulong differing = _store.Digests.DifferingFrom([.. peer.Buckets]);
        Sender.Tell(new Compared(compare.Peer, differing));
    }

    private void OnImportParts(ImportParts import)
    {
        if (_import is null)
        {
            import.Done.TrySetException(new InvalidOperationException("No import was begun."));
            return;
        }
        foreach (LeafPart part in import.Parts)
        {
            foreach (VersionedValue version in part.Versions) { _import.Merge(version); }
            if (part.IsComplete) { _import.CompleteLeaf(part.Leaf); }
        }
        import.Done.TrySetResult();
    }

    private void OnCompleteImport(CompleteImport complete)
    {
        int changes = _import?.Changes ?? 0;
        _import?.Complete();
        _import = null;
        _counters = _counters with { Merged = _counters.Merged + changes };
        complete.Answer.TrySetResult(changes);
    }

    private void OnServe()
    {
        if (!_isAttached) { return; }
        _store.Begin();
        if (!_isMerged)
        {
            _log.Info("{Node} serves: {Keys} keys, order {Order}", _settings.NodeId, _store.Count,
                _store.Order);
        }
        _isMerged = true;
        Resume();
    }
}
