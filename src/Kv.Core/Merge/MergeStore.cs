using Kv.Core.Store;

namespace Kv.Core.Merge;

/// <summary>By what a node of queue mode decides which write of a key stays.</summary>
public enum WriteOrder
{
    /// <summary>By version: all nodes end with the same.</summary>
    Merge = 1,

    /// <summary>
    /// By arrival, as the original system did: nodes that receive in different order stay different.
    /// </summary>
    Arrival = 2,
}

/// <summary>What became of a message.</summary>
public enum ApplyOutcome
{
    /// <summary>It took its turn; a write may have lost against a newer one.</summary>
    Applied = 1,

    /// <summary>It was here before; nothing happened.</summary>
    Duplicate = 2,

    /// <summary>
    /// A write of a time whose deletions are forgotten: it may have been deleted since. Discarded.
    /// </summary>
    Stale = 3,
}

/// <param name="Order">The message's order number on this node; 0 unless applied.</param>
/// <param name="Deleted">Keys deleted: 0 or 1.</param>
public readonly record struct ApplyResult(ApplyOutcome Outcome, long Order, long Deleted);

/// <summary>
/// A node's state in queue mode. It changes by applying a message or merging a version, in any order and any
/// number of times; states that have seen the same are the same.
/// </summary>
/// <remarks>One owner calls it. The clock is a Lamport clock: it counts events, not time.</remarks>
public sealed class MergeStore
{
    // Tombstones swept with each write, so that sweeping keeps up with deleting and never takes long.
    private const int SweptPerWrite = 2;

    private readonly SenderTable.SenderRun _own;
    private readonly WriteOrder _writeOrder;
    private readonly VersionMap _map;
    private readonly SenderTable _senders = new();
    private readonly RecentUuids _uuids = new();
    private readonly NameTable _names = new();
    private readonly CoveredTimes _covered = new();

    /// <param name="time">Times up to here may have been used by this node before.</param>
    public MergeStore(string nodeId, long incarnation, WriteOrder writeOrder, long time)
    {
        _own = new SenderTable.SenderRun(nodeId, incarnation);
        _writeOrder = writeOrder;
        _map = new VersionMap(hashStamps: writeOrder == WriteOrder.Merge);
        Time = time;
    }

    /// <summary>Lamport time: not below that of anything seen.</summary>
    public long Time { get; private set; }

    /// <summary>Messages applied by this node.</summary>
    public long Order { get; private set; }

    public int Count => _map.LiveCount;

    public int TombstoneCount => _map.TombstoneCount;

    /// <summary>Messages known to be missing.</summary>
    public long MissingMessages => _senders.Missing;

    public LeafDigests Digests => _map.Digests;

    /// <summary>Up to this time tombstones may be gone; 0: none is.</summary>
    public long Floor => _covered.Floor;

    /// <summary>
    /// This node's state has a beginning: it found no peer, and what its own clock has not yet reached is its
    /// own.
    /// </summary>
    public void Begin() => _covered.Begin(Time);

    /// <summary>A time for a message of this node's own: later than all it has seen.</summary>
    public long NextTime() => ++Time;

    /// <summary>Sets the clock forward to a time seen elsewhere.</summary>
    public void Observe(long time) => Time = Math.Max(Time, time);

    public byte[]? Get(ReadOnlySpan<byte> key) => _map.FindLive(key)?.Value;

    /// <summary>The newest version known of a key, a tombstone included.</summary>
    public VersionedValue? Find(byte[] key) => _map.Find(key);

    public IKeyValueView Snapshot() => _map.SnapshotKeys();

    /// <summary>Applies a message; one without our headers is stamped with this node's next time.</summary>
    public ApplyResult Apply(QueueMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        UInt128 uuid = MessageUuid.Of(message.Uuid);
        if (!IsFirstSeen(message, uuid)) { return new ApplyResult(ApplyOutcome.Duplicate, 0, 0); }
        if (message.Origin is { } origin) { Observe(origin.Time); }
        long deleted = 0;
        if (message.IsWrite)
        {
            byte[]? value = message.Command == QueueCommand.Set ? message.Value : null;
            var version = new VersionedValue(message.Key, value, StampOf(message, uuid));
            bool wasLive = value is null && _map.FindLive(message.Key) is not null;
            if (!Take(version)) { return new ApplyResult(ApplyOutcome.Stale, 0, 0); }
            deleted = wasLive && _map.FindLive(message.Key) is null ? 1 : 0;
        }
        return new ApplyResult(ApplyOutcome.Applied, ++Order, deleted);
    }

    /// <summary>
    /// All that any known member has up to this time is here, and no member will bring forth anything older:
    /// tombstones up to it may go.
    /// </summary>
    public void RaiseFloor(long floor) => _covered.RaiseTo(Math.Min(floor, Time));

    /// <summary>
    /// Drops tombstones up to the floor, oldest first, at most so many. Those from before this group's
    /// beginning, which nothing covers, go with them: they came late to a group that had none of their keys.
    /// </summary>
    public void SweepTombstones(int countMax)
    {
        for (int swept = 0; swept < countMax && _map.OldestTombstone is { } oldest; swept++)
        {
            bool isForced = _map.TombstoneCount > MergeLimits.TombstonesForcedMax;
            if (isForced) { _covered.RaiseTo(oldest.Stamp.Time); }
            if (!isForced && oldest.Stamp.Time > _covered.Floor) { return; }
            _map.Drop(oldest);
        }
    }

    /// <summary>Gives up messages that no live peer has.</summary>
    public void CloseGaps() => _senders.CloseGaps();

    /// <summary>The state at this moment, for a peer; any thread may read it.</summary>
    /// <param name="settled">See <see cref="StateHeader.Settled"/>.</param>
    public StateExport Export(long settled)
    {
        var header = new StateHeader(
            _own.NodeId, _own.Incarnation, Time, settled, [.. _covered.Spans], _senders.Export(),
            _uuids.Export());
        return new StateExport(header, _map.SnapshotVersions(), _map.Digests.CopyLeaves());
    }

    /// <summary>Begins to merge a peer's state.</summary>
    /// <param name="isFirst">This node has merged from nobody since it began to receive.</param>
    public StateImport Import(StateHeader header, bool isFirst)
    {
        ArgumentNullException.ThrowIfNull(header);
        Observe(header.Time);
        return new StateImport(this, header, isFirst);
    }

    /// <summary>Merges one version; true when it is new here.</summary>
    internal bool Merge(VersionedValue version)
    {
        Observe(version.Stamp.Time);
        VersionedValue? current = _map.Find(version.Key);
        bool isNew = _writeOrder == WriteOrder.Arrival || current is null || version.Supersedes(current);
        return isNew && Take(version);
    }

    /// <summary>Drops what a peer, whose whole leaf has been merged, must have seen deleted.</summary>
    /// <param name="peerKeys">The keys of the peer's leaf, live or deleted, in order.</param>
    internal int DropDeleted(int leaf, IReadOnlyList<byte[]> peerKeys, CoveredTimes peerCovered)
    {
        if (_writeOrder == WriteOrder.Arrival || peerCovered.IsEmpty) { return 0; }
        int dropped = 0;
        int at = 0;
        foreach (VersionedValue own in _map.InLeaf(leaf))
        {
            while (at < peerKeys.Count && peerKeys[at].AsSpan().SequenceCompareTo(own.Key) < 0) { at++; }
            bool peerHasIt = at < peerKeys.Count && peerKeys[at].AsSpan().SequenceEqual(own.Key);
            if (peerHasIt || !peerCovered.Contains(own.Stamp.Time)) { continue; }
            _map.Drop(own);
            dropped++;
        }
        return dropped;
    }

    /// <summary>A peer's state has been merged completely.</summary>
    internal void AdoptHistory(StateHeader header, bool isFirst)
    {
        _covered.UnionWith(header.Covered);
        _covered.Begin(Time);
        _senders.Import(header.Senders, _own, adoptUnknown: isFirst);
        _uuids.AddAll(header.Uuids);
    }

    private bool IsFirstSeen(QueueMessage message, UInt128 uuid) => message.Origin is { } origin
        ? _senders.Record(new SenderTable.SenderRun(origin.NodeId, origin.Incarnation), origin.Sequence)
        : _uuids.Add(uuid);

    private VersionStamp StampOf(QueueMessage message, UInt128 uuid)
    {
        // By arrival each write is newer than all before it.
        return message.Origin is { } origin && _writeOrder == WriteOrder.Merge
            ? new VersionStamp(origin.Time, _names.Unique(origin.NodeId), origin.Incarnation, uuid)
            : new VersionStamp(NextTime(), _names.Unique(message.SenderId), 0, uuid);
    }

    /// <summary>
    /// Takes a version in if it is the newest of its key; false when it has to be discarded as stale.
    /// </summary>
    private bool Take(VersionedValue version)
    {
        VersionedValue? current = _map.Find(version.Key);
        if (_writeOrder == WriteOrder.Arrival)
        {
            TakeByArrival(version, current);
            return true;
        }
        if (current is null && _covered.Contains(version.Stamp.Time)) { return false; }
        if (current is null || version.Supersedes(current)) { _map.Put(version); }
        SweepTombstones(SweptPerWrite);
        return true;
    }

    private void TakeByArrival(VersionedValue version, VersionedValue? current)
    {
        // Nothing is compared, so nothing has to be remembered of a deleted key.
        if (!version.IsTombstone)
        {
            _map.Put(version);
        }
        else if (current is not null)
        {
            _map.Drop(current);
        }
    }
}
