namespace Kv.Actors.Nodes;

/// <summary>What a node knows of its cluster's log; totally ordered modes only.</summary>
/// <param name="ClusterSize">Members the cluster is meant to have; 0: nobody said.</param>
/// <param name="CoveredOffset">
/// A majority has snapshots at it or beyond; -1: there is no such offset.
/// </param>
/// <param name="UncoveredBytes">Bytes of the log behind that offset.</param>
/// <param name="Skips">Entries that nobody could read and that were passed over.</param>
/// <param name="SkippedOffsets">Where the last of them stood.</param>
public sealed record LogStatus(
    int ClusterVersion,
    int ClusterSize,
    long CoveredOffset,
    long UncoveredBytes,
    long Skips,
    IReadOnlyList<long> SkippedOffsets);
