using Kv.Core.Store;

namespace Kv.Core.Merge;

/// <summary>What a node's state at one moment says of itself.</summary>
/// <param name="Time">The clock.</param>
/// <param name="Settled">
/// All writes of this node's own up to this time are in the state, and it will bring forth none so old again.
/// </param>
/// <param name="Covered">Times of which tombstones may be gone.</param>
/// <param name="Senders">Which messages were seen.</param>
/// <param name="Uuids">The plain messages seen last.</param>
public sealed record StateHeader(
    string NodeId,
    long Incarnation,
    long Time,
    long Settled,
    IReadOnlyList<CoveredTimes.Span> Covered,
    IReadOnlyList<SenderTable.Seen> Senders,
    IReadOnlyList<UInt128> Uuids);

/// <summary>A node's state at one moment. Immutable; any thread.</summary>
public sealed class StateExport
{
    private readonly OrderedIndexView<VersionedValue> _versions;
    private readonly ulong[] _leaves;

    internal StateExport(StateHeader header, OrderedIndexView<VersionedValue> versions, ulong[] leaves)
    {
        Header = header;
        _versions = versions;
        _leaves = leaves;
    }

    public StateHeader Header { get; }

    /// <summary>The leaves that someone with these digests has otherwise, in order.</summary>
    /// <param name="leaves">Empty: someone who has nothing.</param>
    public List<int> LeavesDifferingFrom(ReadOnlySpan<ulong> leaves)
    {
        ReadOnlySpan<ulong> others = leaves.IsEmpty ? new ulong[MergeLimits.Leaves] : leaves;
        List<int> differing = [];
        for (int leaf = 0; leaf < MergeLimits.Leaves;)
        {
            // Equal stretches are passed over at memory speed.
            leaf += _leaves.AsSpan(leaf).CommonPrefixLength(others[leaf..]);
            if (leaf < MergeLimits.Leaves) { differing.Add(leaf++); }
        }
        return differing;
    }

    /// <summary>All versions of a leaf, tombstones too, in key order.</summary>
    public IReadOnlyList<VersionedValue> InLeaf(int leaf) => VersionMap.InLeaf(_versions, leaf);
}

/// <summary>
/// Merges a peer's state, leaf by leaf. Given up half-way it has merged what it was given and leaves the rest
/// to the next time.
/// </summary>
public sealed class StateImport
{
    private readonly MergeStore _store;
    private readonly StateHeader _header;
    private readonly bool _isFirst;
    private readonly CoveredTimes _peerCovered = new();
    private readonly List<byte[]> _leafKeys = [];

    internal StateImport(MergeStore store, StateHeader header, bool isFirst)
    {
        _store = store;
        _header = header;
        _isFirst = isFirst;
        _peerCovered.UnionWith(header.Covered);
    }

    /// <summary>Versions taken or dropped so far: what was different here.</summary>
    public int Changes { get; private set; }

    /// <summary>Merges a version of the leaf that is being sent; in key order.</summary>
    public void Merge(VersionedValue version)
    {
        ArgumentNullException.ThrowIfNull(version);
        _leafKeys.Add(version.Key);
        if (_store.Merge(version)) { Changes++; }
    }

    /// <summary>
    /// All the peer has in this leaf has been merged: what it lacks and must have seen is dropped.
    /// </summary>
    public void CompleteLeaf(int leaf)
    {
        Changes += _store.DropDeleted(leaf, _leafKeys, _peerCovered);
        _leafKeys.Clear();
    }

    /// <summary>All leaves that differed have been merged.</summary>
    public void Complete() => _store.AdoptHistory(_header, _isFirst);
}
