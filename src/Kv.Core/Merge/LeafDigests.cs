using System.Buffers.Binary;
using Kv.Core.Entries;

namespace Kv.Core.Merge;

/// <summary>
/// Digests of a set of versions: per leaf and per bucket the sum, modulo 2^64, of the versions' hashes. A sum
/// does not depend on order and is kept up by one addition per change.
/// </summary>
public sealed class LeafDigests
{
    private readonly ulong[] _leaves = new ulong[MergeLimits.Leaves];
    private readonly ulong[] _buckets = new ulong[MergeLimits.Buckets];

    public static int BucketOf(int leaf) => leaf / MergeLimits.LeavesPerBucket;

    public void Add(int leaf, ulong hash)
    {
        _leaves[leaf] += hash;
        _buckets[BucketOf(leaf)] += hash;
    }

    public void Remove(int leaf, ulong hash)
    {
        _leaves[leaf] -= hash;
        _buckets[BucketOf(leaf)] -= hash;
    }

    public ulong[] CopyBuckets() => [.. _buckets];

    public ulong[] CopyLeaves() => [.. _leaves];

    /// <summary>A bit for each bucket that differs.</summary>
    public ulong DifferingFrom(ReadOnlySpan<ulong> buckets)
    {
        ulong differing = 0;
        for (int bucket = 0; bucket < MergeLimits.Buckets; bucket++)
        {
            if (_buckets[bucket] != buckets[bucket]) { differing |= 1UL << bucket; }
        }
        return differing;
    }

    /// <summary>One digest of the whole.</summary>
    public Digest ToDigest() => DigestOf(_buckets);

    public static Digest DigestOf(ReadOnlySpan<ulong> buckets)
    {
        Span<byte> bytes = stackalloc byte[MergeLimits.Buckets * sizeof(ulong)];
        for (int bucket = 0; bucket < buckets.Length; bucket++)
        {
            BinaryPrimitives.WriteUInt64BigEndian(bytes[(bucket * sizeof(ulong))..], buckets[bucket]);
        }
        return Digest.Of(bytes);
    }
}
