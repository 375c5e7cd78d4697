namespace Kv.Core.Entries;

/// <summary>What a cluster is founded on. Replicated, so that every node works by the same rules.</summary>
/// <param name="ClusterId">Random, not 0. Entries of another cluster are strays.</param>
/// <param name="Base">Digest of the snapshot that the log goes on from; zero: the log starts empty.</param>
/// <param name="ApplyVersion">Version of the rules of apply; see docs/formats.md.</param>
/// <param name="ClusterSize">Configured members, for majorities; 0: not given.</param>
/// <param name="RequestBytesMax">Largest command, bytes.</param>
/// <param name="ProducersMax">Bound of the producer table.</param>
/// <param name="RequestIdsMax">Bound of the request id table.</param>
public sealed record Genesis(
    ulong ClusterId,
    Digest Base,
    int ApplyVersion,
    int ClusterSize,
    int RequestBytesMax,
    int ProducersMax,
    int RequestIdsMax)
{
    /// <summary>The rules of apply that this build writes into a new cluster.</summary>
    public const int ApplyVersionNow = 1;

    /// <summary>A genesis of an empty log with this build's limits.</summary>
    public static Genesis Empty(ulong clusterId, int clusterSize = 0) => new(
        clusterId,
        Digest.Zero,
        ApplyVersionNow,
        clusterSize,
        KvLimits.RequestBytesMax,
        KvLimits.ProducersMax,
        KvLimits.RequestIdsMax);
}
