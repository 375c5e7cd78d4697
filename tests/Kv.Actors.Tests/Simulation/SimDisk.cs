using Kv.Actors.Tests.Snapshots;
using Kv.Core.Entries;
using Kv.Core.Snapshots;
using Kv.Core.Store;

namespace Kv.Actors.Tests.Simulation;

/// <summary>
/// What of a node outlives its process: the cluster it belongs to and its newest snapshots.
/// </summary>
internal sealed class SimDisk
{
    private const int SnapshotsMax = 2;

    private readonly List<Snapshot> _snapshots = [];

    /// <param name="Seen">What its node had applied, for the witness.</param>
    internal sealed record Snapshot(
        long Offset, byte[] Bytes, IReadOnlyDictionary<long, (Digest Chain, Digest Hash)> Seen)
    {
        internal KeyValueStore Restore() => Stores.Decode(Bytes);
    }

    internal ulong ClusterId { get; set; }

    /// <summary>Newest first.</summary>
    internal IReadOnlyList<Snapshot> Snapshots => _snapshots;

    internal void Save(StoreCapture capture, IReadOnlyDictionary<long, (Digest Chain, Digest Hash)> seen)
    {
        _snapshots.Insert(0, new Snapshot(capture.Header.AppliedOffset, Stores.Encode(capture), seen));
        if (_snapshots.Count > SnapshotsMax)
        {
            _snapshots.RemoveAt(SnapshotsMax);
        }
    }

    /// <summary>Somebody empties the data directory.</summary>
    internal void Empty()
    {
        ClusterId = 0;
        _snapshots.Clear();
    }
}
