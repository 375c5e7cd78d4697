using Kv.Core.Entries;
using Kv.Core.Snapshots;

namespace Kv.Core.Store;

/// <summary>A store that begins a new log with what another log had led to.</summary>
public sealed partial class KeyValueStore
{
    /// <summary>
    /// The genesis that the log has to begin with: this store holds its base, and it has not come by yet.
    /// Null: it has, or the store began empty.
    /// </summary>
    public Genesis? AwaitedGenesis { get; private set; }

    /// <summary>
    /// True where a log that begins so tells nothing to this store: it goes on from a base that is not here.
    /// A snapshot of a node that had it is needed.
    /// </summary>
    public bool Lacks(Genesis genesis) =>
        Genesis is null && AwaitedGenesis is null && genesis.Base != Digest.Zero;

    /// <summary>
    /// What a new cluster goes on from: keys as they are, leases, revision, order and the table of requests.
    /// Offsets, chain and producers are the old log's and stay behind, and so does the history of the keys:
    /// it is as if it were compacted.
    /// </summary>
    /// <param name="genesis">The new cluster's; it names this very base.</param>
    internal StoreCapture CaptureBase(Genesis genesis) => Capture(
        new SnapshotHeader(
            genesis,
            SnapshotHeader.NothingApplied,
            Digest.Zero,
            Digest.Zero,
            Revision,
            CompactedRevision: Revision,
            Order,
            Strays: 0,
            _requests.Floor),
        [],
        [],
        []);

    private StoreCapture Capture(
        SnapshotHeader header,
        IReadOnlyList<ProducerTable.Producer> producers,
        IReadOnlyList<ClusterSettings.Record> cluster,
        IReadOnlyList<ChainHistory.Link> chainHistory) => new(
            header,
            _keys.View(),
            producers,
            _requests.OldestFirst(),
            cluster,
            chainHistory,
            [.. _leases.All.Select(lease => header.IsBase
                ? lease.ToRecord() with { RenewedBehind = SnapshotHeader.NothingApplied }
                : lease.ToRecord())],
            [.. _alarms],
            Auth);

    private string? ContradictsBase(Genesis genesis)
    {
        if (Lacks(genesis))
        {
            return $"Cluster {genesis.ClusterId:x16} goes on from a base ({genesis.Base}), which this node "
                + "does not have.";
        }
        return AwaitedGenesis is { } awaited && genesis != awaited
            ? $"This node holds the base of cluster {awaited.ClusterId:x16}, but the log belongs to cluster "
                + $"{genesis.ClusterId:x16}."
            : null;
    }
}
