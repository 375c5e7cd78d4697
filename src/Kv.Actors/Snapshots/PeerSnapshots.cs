namespace Kv.Actors.Snapshots;

/// <summary>Other nodes of the cluster, as far as they are known: by the settings or by presence.</summary>
public interface IPeerDirectory
{
    /// <summary>gRPC addresses of the peers, best first; may change from call to call. Any thread.</summary>
    IReadOnlyList<Uri> Peers { get; }
}

/// <summary>Asks a peer for a snapshot of its own state; its bytes come as they are read.</summary>
/// <param name="clusterId">The cluster it has to be of; 0: any.</param>
/// <param name="offsetMin">A snapshot below this offset is of no use.</param>
/// <remarks>Fails with whatever the way to the peer fails with; the next peer is asked then.</remarks>
public delegate IAsyncEnumerable<ReadOnlyMemory<byte>> ExportFromPeer(
    Uri peer, ulong clusterId, long offsetMin, CancellationToken stopping);

/// <summary>Where and how a node gets a snapshot when its own does not lead into the log any more.</summary>
public sealed record PeerSnapshots(IPeerDirectory Directory, ExportFromPeer Export);
