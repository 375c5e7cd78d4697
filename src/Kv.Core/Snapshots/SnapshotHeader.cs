using Kv.Core.Entries;

namespace Kv.Core.Snapshots;

/// <summary>The store's single values at the snapshot's point; see the properties of the store.</summary>
/// <param name="AppliedOffset">
/// <see cref="NothingApplied"/>: the base that the genesis names, before the first entry of its log.
/// </param>
public sealed record SnapshotHeader(
    Genesis Genesis,
    long AppliedOffset,
    Digest AppliedHash,
    Digest Chain,
    long Revision,
    long CompactedRevision,
    long Order,
    long Strays,
    long RequestFloor)
{
    public const long NothingApplied = -1;

    /// <summary>A base: the log's first entries, the genesis among them, are still to be applied.</summary>
    public bool IsBase => AppliedOffset == NothingApplied;
}

/// <summary>What a snapshot that was read to its end and found whole has in it.</summary>
/// <param name="StateDigest">See <see cref="Snapshots.StateDigest"/>.</param>
/// <param name="BytesLength">Length of the whole snapshot, bytes.</param>
public sealed record SnapshotSummary(
    SnapshotHeader Header,
    long Keys,
    long Producers,
    long Requests,
    Digest StateDigest,
    long BytesLength);
