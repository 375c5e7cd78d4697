using System.Buffers.Binary;
using Kv.Core.Store;

namespace Kv.Core.Merge;

/// <summary>
/// The versions of all keys, the live ones among them in key order, and their digests. It decides nothing:
/// which version stays is <see cref="MergeStore"/>'s business.
/// </summary>
internal sealed class VersionMap
{
    private const int LeafBytes = sizeof(ushort);

    private readonly bool _hashStamps;

    // Keyed by leaf (big-endian), then key: a leaf is a range. Values and tombstones.
    private readonly OrderedIndex<VersionedValue> _versions = new();

    // Keyed by key. Values only.
    private readonly OrderedIndex<VersionedValue> _live = new();

    // Oldest first.
    private readonly SortedSet<VersionedValue> _tombstones = new(OldestFirst.Instance);

    /// <param name="hashStamps">Whether two equal values of different stamps count as different.</param>
    public VersionMap(bool hashStamps) => _hashStamps = hashStamps;

    /// <summary>
    /// Of live versions only, so that nodes agree whether or not they have dropped their tombstones.
    /// </summary>
    public LeafDigests Digests { get; } = new();

    public int LiveCount => _live.Count;

    public int TombstoneCount => _tombstones.Count;

    public VersionedValue? OldestTombstone => _tombstones.Min;

    public VersionedValue? Find(byte[] key)
    {
        _versions.TryGet(LeafKey(VersionedValue.LeafOf(key), key), out VersionedValue? version);
        return version;
    }

    public VersionedValue? FindLive(ReadOnlySpan<byte> key)
    {
        _live.TryGet(key, out VersionedValue? version);
        return version;
    }

    /// <summary>Puts a version in the place of whatever the key had.</summary>
    public void Put(VersionedValue version)
    {
        VersionedValue? replaced = _versions.Set(LeafKey(version.Leaf, version.Key), version);
        if (replaced is not null) { Uncount(replaced); }
        if (version.IsTombstone)
        {
            _tombstones.Add(version);
            if (replaced is { IsTombstone: false }) { _live.Remove(version.Key); }
            return;
        }
        _live.Set(version.Key, version);
        Digests.Add(version.Leaf, version.HashWith(_hashStamps));
    }

    /// <summary>Forgets a version that the map holds.</summary>
    public void Drop(VersionedValue version)
    {
        _versions.Remove(LeafKey(version.Leaf, version.Key));
        Uncount(version);
        if (!version.IsTombstone) { _live.Remove(version.Key); }
    }

    public IKeyValueView SnapshotKeys() => new KeyView(_live.Snapshot());

    public OrderedIndexView<VersionedValue> SnapshotVersions() => _versions.Snapshot();

    /// <summary>The versions of a leaf in key order, as they are now.</summary>
    public List<VersionedValue> InLeaf(int leaf) => ToList(_versions.Scan(LeafKey(leaf, []), EndOf(leaf)));

    public static List<VersionedValue> InLeaf(OrderedIndexView<VersionedValue> versions, int leaf) =>
        ToList(versions.Scan(LeafKey(leaf, []), EndOf(leaf)));

    private static List<VersionedValue> ToList(OrderedRange<VersionedValue> range)
    {
        List<VersionedValue> versions = [];
        foreach ((_, VersionedValue version) in range) { versions.Add(version); }
        return versions;
    }

    private static byte[]? EndOf(int leaf) => leaf + 1 < MergeLimits.Leaves ? LeafKey(leaf + 1, []) : null;

    private void Uncount(VersionedValue version)
    {
        if (version.IsTombstone)
        {
            _tombstones.Remove(version);
        }
        else
        {
            Digests.Remove(version.Leaf, version.HashWith(_hashStamps));
        }
    }

    private static byte[] LeafKey(int leaf, byte[] key)
    {
        byte[] leafKey = new byte[LeafBytes + key.Length];
        BinaryPrimitives.WriteUInt16BigEndian(leafKey, (ushort)leaf);
        key.CopyTo(leafKey, LeafBytes);
        return leafKey;
    }

    private sealed class OldestFirst : IComparer<VersionedValue>
    {
        public static readonly OldestFirst Instance = new();

        public int Compare(VersionedValue? x, VersionedValue? y)
        {
            int order = x!.Stamp.CompareTo(y!.Stamp);
            return order == 0 ? x.Key.AsSpan().SequenceCompareTo(y.Key) : order;
        }
    }
}
