using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Core.Snapshots;

/// <summary>
/// The state that a new cluster is founded on, as a snapshot before the first entry of its log. The genesis
/// in its header is the one that the founding node appends.
/// </summary>
public static class BaseSnapshot
{
    /// <summary>A new cluster's base: all that the store holds and that outlives its log.</summary>
    /// <param name="clusterId">The new cluster's: random, not 0, not the old one's.</param>
    /// <param name="clusterSize">Configured members of the new cluster; null: as many as before.</param>
    /// <exception cref="InvalidOperationException">Nothing was founded: there is no store yet.</exception>
    public static StoreCapture Of(KeyValueStore store, ulong clusterId, int? clusterSize = null)
    {
        Genesis before = store.Genesis ?? store.AwaitedGenesis
            ?? throw new InvalidOperationException("A store without a genesis is no base for another.");
        ArgumentOutOfRangeException.ThrowIfZero(clusterId);
        ArgumentOutOfRangeException.ThrowIfEqual(clusterId, before.ClusterId);
        Genesis draft = before with
        {
            ClusterId = clusterId,
            Base = Digest.Zero,
            ApplyVersion = store.Cluster.Version,
            ClusterSize = clusterSize ?? store.Cluster.Size,
        };
        return store.CaptureBase(draft with { Base = DigestOf(store.CaptureBase(draft)) });
    }

    private static Digest DigestOf(StoreCapture draft)
    {
        var encoder = new SnapshotEncoder(draft);
        foreach (ReadOnlyMemory<byte> _ in encoder.Chunks())
        {
            // Only what it hashes on the way is wanted.
        }
        return encoder.BaseDigest;
    }
}
