using System.Text;
using Kv.Core.Merge;

namespace Kv.Actors.Tests.Queue;

/// <summary>What goes wrong in a simulated run. Probabilities per step or per message copy.</summary>
public sealed record SimFaults
{
    public WriteOrder Order { get; init; } = WriteOrder.Merge;

    /// <summary>A copy of a message does not reach a node.</summary>
    public double Lost { get; init; }

    /// <summary>A copy is delivered twice.</summary>
    public double Duplicated { get; init; }

    /// <summary>A delivery overtakes up to four before it.</summary>
    public double Overtakes { get; init; }

    /// <summary>A node stops and starts empty.</summary>
    public double Restarts { get; init; }

    /// <summary>Queues outlive their nodes' restarts.</summary>
    public bool DurableQueues { get; init; }

    /// <summary>A node loses broker and peers for a while and keeps its state.</summary>
    public double Isolated { get; init; }

    /// <summary>Writes that come from a node of the original system.</summary>
    public double Foreign { get; init; }

    /// <summary>Steps after which a silent member no longer holds the floor back.</summary>
    public int ForgottenAfter { get; init; } = int.MaxValue;
}

/// <summary>
/// Nodes of queue mode without broker and actors: the core's merge store, sequence numbers, digests, floor
/// and state exchange under a seeded schedule. The same seed gives the same run.
/// </summary>
public sealed class MergeSimulation
{
    private const int Keys = 8;
    private const int FloorDelay = 20;

    private readonly Random _random;
    private readonly SimFaults _faults;
    private readonly List<SimNode> _nodes = [];
    private readonly Dictionary<string, VersionStamp> _acknowledged = [];
    private readonly Dictionary<string, VersionStamp> _newestDelete = [];
    private readonly HashSet<string> _foreignDeletes = [];
    private int _step;
    private int _uuids;

    public MergeSimulation(int seed, SimFaults faults, int nodes = 3)
    {
        _random = new Random(seed);
        _faults = faults;
        for (int i = 0; i < nodes; i++) { _nodes.Add(new SimNode($"n{i}", faults.Order)); }
        _nodes[0].Store.Begin();
        _nodes[0].IsMerged = true;
        foreach (SimNode node in _nodes) { Join(node); }
    }

    public IReadOnlyList<SimNode> Nodes => _nodes;

    public void Run(int steps)
    {
        for (int i = 0; i < steps; i++)
        {
            _step++;
            Step();
        }
    }

    /// <summary>
    /// Ends every fault, delivers everything and lets nodes that differ pull from each other.
    /// </summary>
    public void Heal()
    {
        foreach (SimNode node in _nodes)
        {
            node.IsolatedUntil = 0;
            Join(node);
        }
        for (int round = 0; round < 6; round++)
        {
            foreach (SimNode node in _nodes) { Republish(node); }
            foreach (SimNode node in _nodes)
            {
                while (node.Inbox.Count > 0) { DeliverOne(node); }
            }
            if (_faults.Order == WriteOrder.Arrival) { continue; }
            foreach (SimNode node in _nodes) { PullFromAll(node); }
            Presence();
        }
    }

    public static string ContentsOf(SimNode node)
    {
        var text = new StringBuilder();
        foreach (var entry in node.Store.Snapshot().Scan(default, default))
        {
            text.Append(Encoding.UTF8.GetString(entry.Key.Span)).Append('=')
                .Append(Encoding.UTF8.GetString(entry.Value.Span)).Append(' ');
        }
        return text.ToString();
    }

    /// <summary>Keys whose acknowledged write was neither kept nor overwritten by a newer one.</summary>
    public IEnumerable<string> LostWrites()
    {
        SimNode node = _nodes[0];
        foreach ((string key, VersionStamp acknowledged) in _acknowledged)
        {
            bool isKept = node.Store.Find(Encoding.UTF8.GetBytes(key)) is { } version
                && version.Stamp >= acknowledged;
            bool isDeleted = node.Store.Get(Encoding.UTF8.GetBytes(key)) is null
                && (_foreignDeletes.Contains(key)
                    || (_newestDelete.TryGetValue(key, out VersionStamp deleted) && deleted >= acknowledged));
            if (!isKept && !isDeleted) { yield return key; }
        }
    }

    private void Step()
    {
        SimNode node = _nodes[_random.Next(_nodes.Count)];
        if (_random.NextDouble() < _faults.Restarts) { Restart(node); }
        if (_random.NextDouble() < _faults.Isolated) { Isolate(node); }
        if (node.IsolatedUntil > 0 && _step >= node.IsolatedUntil)
        {
            node.IsolatedUntil = 0;
            node.IsMerged = false;
        }
        if (!node.IsMerged) { Join(node); }
        switch (_random.Next(10))
        {
            case < 2: Publish(node); break;
            case < 8:
                DeliverOne(node);
                DeliverOne(_nodes[_random.Next(_nodes.Count)]);
                break;
            case 8: Republish(node); break;
            default: Gossip(node); break;
        }
    }

    private void Publish(SimNode node)
    {
        if (!node.IsMerged || node.IsIsolated) { return; }
        string key = $"k{_random.Next(Keys)}";
        bool isDelete = _random.Next(3) == 0;
        string uuid = $"u{_uuids++}";
        bool isForeign = _random.NextDouble() < _faults.Foreign;
        MessageOrigin? origin = isForeign
            ? null
            : new MessageOrigin(node.Store.NextTime(), node.Id, node.Incarnation, ++node.Sequence);
        var message = new QueueMessage(
            isDelete ? QueueCommand.Del : QueueCommand.Set,
            Encoding.UTF8.GetBytes(key),
            isDelete ? [] : Encoding.UTF8.GetBytes($"\"{uuid}\""),
            isForeign ? "python" : node.Id,
            uuid,
            origin);
        if (isForeign && isDelete) { _foreignDeletes.Add(key); }
        if (!isForeign) { node.Pending[node.Sequence] = message; }
        node.TimeReserved = Math.Max(node.TimeReserved, node.Store.Time);
        Fanout(message);
    }

    private void Fanout(QueueMessage message)
    {
        foreach (SimNode to in _nodes)
        {
            if (to.IsIsolated && !_faults.DurableQueues) { continue; }
            if (_random.NextDouble() < _faults.Lost) { continue; }
            to.Inbox.Add(message);
            if (_random.NextDouble() < _faults.Duplicated) { to.Inbox.Add(message); }
        }
    }

    private void Republish(SimNode node)
    {
        if (node.IsIsolated) { return; }
        foreach (QueueMessage message in node.Pending.Values) { Fanout(message); }
    }

    private void DeliverOne(SimNode node)
    {
        if (node.Inbox.Count == 0 || node.IsIsolated) { return; }
        bool overtakes = _random.NextDouble() < _faults.Overtakes;
        Deliver(node, overtakes ? _random.Next(Math.Min(5, node.Inbox.Count)) : 0);
    }

    private void Deliver(SimNode node, int at)
    {
        QueueMessage message = node.Inbox[at];
        // A plain message would be stamped by a clock that has not seen the others' yet.
        if (!node.IsMerged && (message.Origin is null || _faults.Order == WriteOrder.Arrival)) { return; }
        node.Inbox.RemoveAt(at);
        ApplyResult result = node.Store.Apply(message);
        node.TimeReserved = Math.Max(node.TimeReserved, node.Store.Time);
        if (message.Origin is not { } origin) { return; }
        var stamp = new VersionStamp(
            origin.Time, origin.NodeId, origin.Incarnation, MessageUuid.Of(message.Uuid));
        string key = Encoding.UTF8.GetString(message.Key);
        if (message.Command == QueueCommand.Del) { KeepNewest(_newestDelete, key, stamp); }
        bool isOwn = origin.NodeId == node.Id && origin.Incarnation == node.Incarnation;
        if (!isOwn || !node.Pending.Remove(origin.Sequence)) { return; }
        if (result.Outcome == ApplyOutcome.Applied) { KeepNewest(_acknowledged, key, stamp); }
    }

    private static void KeepNewest(Dictionary<string, VersionStamp> stamps, string key, VersionStamp stamp)
    {
        if (!stamps.TryGetValue(key, out VersionStamp known) || stamp > known) { stamps[key] = stamp; }
    }

    private void Gossip(SimNode node)
    {
        Presence();
        if (_faults.Order == WriteOrder.Arrival || node.IsIsolated || !node.IsMerged) { return; }
        SimNode peer = _nodes[_random.Next(_nodes.Count)];
        if (peer != node && !peer.IsIsolated && peer.IsMerged) { Pull(node, peer); }
    }

    private void PullFromAll(SimNode node)
    {
        foreach (SimNode peer in _nodes)
        {
            if (peer != node) { Pull(node, peer); }
        }
    }

    private static void Pull(SimNode node, SimNode peer)
    {
        StateExport export = peer.Store.Export(peer.Settled);
        StateImport import = node.Store.Import(export.Header, isFirst: !node.IsMerged);
        ulong[] own = node.Store.Digests.CopyLeaves();
        foreach (int leaf in export.LeavesDifferingFrom(own))
        {
            foreach (VersionedValue version in export.InLeaf(leaf)) { import.Merge(version); }
            import.CompleteLeaf(leaf);
        }
        import.Complete();
        node.Tracker.Covered(peer.Id, peer.Incarnation, export.Header.Settled);
    }

    private void Presence()
    {
        foreach (SimNode from in _nodes)
        {
            if (from.IsIsolated || !from.IsMerged) { continue; }
            foreach (SimNode to in _nodes)
            {
                if (to != from && !to.IsIsolated && to.IsMerged) { Hear(to, from); }
            }
        }
        foreach (SimNode node in _nodes)
        {
            if (!node.IsMerged || node.IsIsolated) { continue; }
            foreach ((string id, int heardAt) in node.HeardAt.ToArray())
            {
                if (_step - heardAt <= _faults.ForgottenAfter) { continue; }
                node.HeardAt.Remove(id);
                node.Tracker.Forget(id);
            }
            node.Store.RaiseFloor(node.Tracker.Floor(node.Settled, _step, FloorDelay));
            int before = node.Store.TombstoneCount;
            node.Store.SweepTombstones(int.MaxValue);
            node.TombstonesDropped += before - node.Store.TombstoneCount;
        }
    }

    private void Hear(SimNode to, SimNode from)
    {
        to.HeardAt[from.Id] = _step;
        to.Store.Observe(from.Store.Time);
        if (to.Store.Digests.DifferingFrom(from.Store.Digests.CopyBuckets()) == 0)
        {
            to.Tracker.Covered(from.Id, from.Incarnation, from.Settled);
        }
        to.Tracker.Announced(from.Id, from.Incarnation, from.Tracker.Stable(from.Settled));
    }

    /// <summary>
    /// One node at a time is down, and only while the others agree: two at once may lose a write.
    /// </summary>
    private void Restart(SimNode node)
    {
        if (_nodes.Exists(other => other.IsIsolated || !other.IsMerged)) { return; }
        if (_faults.Order == WriteOrder.Merge)
        {
            foreach (SimNode other in _nodes) { PullFromAll(other); }
        }
        node.Restart(keepInbox: _faults.DurableQueues);
    }

    private void Isolate(SimNode node)
    {
        if (node.IsIsolated || _nodes.Exists(other => other != node && (other.IsIsolated || !other.IsMerged)))
        {
            return;
        }
        node.IsolatedUntil = _step + 20 + _random.Next(200);
        if (!_faults.DurableQueues) { node.Inbox.Clear(); }
    }

    private void Join(SimNode node)
    {
        if (node.IsMerged || node.IsIsolated) { return; }
        SimNode? peer = _nodes.Find(other => other != node && other.IsMerged && !other.IsIsolated);
        if (peer is null) { return; }
        Pull(node, peer);
        node.IsMerged = true;
    }
}

/// <summary>A node's part of the simulation: its store and what the actors around it would hold.</summary>
public sealed class SimNode(string id, WriteOrder order)
{
    public string Id { get; } = id;

    public long Incarnation { get; private set; } = 1;

    public MergeStore Store { get; private set; } = new(id, 1, order, time: 0);

    public StabilityTracker Tracker { get; private set; } = new();

    public List<QueueMessage> Inbox { get; } = [];

    /// <summary>Own messages published and not read back, by sequence.</summary>
    public SortedDictionary<long, QueueMessage> Pending { get; } = [];

    public Dictionary<string, int> HeardAt { get; } = [];

    public long Sequence { get; set; }

    /// <summary>What the Lamport file would say.</summary>
    public long TimeReserved { get; set; }

    public bool IsMerged { get; set; }

    public int IsolatedUntil { get; set; }

    public bool IsIsolated => IsolatedUntil > 0;

    public int TombstonesDropped { get; set; }

    /// <summary>See <see cref="StateHeader.Settled"/>.</summary>
    public long Settled => Pending.Count == 0
        ? Store.Time
        : Pending.Values.Min(own => own.Origin!.Value.Time) - 1;

    public void Restart(bool keepInbox)
    {
        Incarnation++;
        Store = new MergeStore(Id, Incarnation, order, TimeReserved);
        Tracker = new StabilityTracker();
        Pending.Clear();
        HeardAt.Clear();
        Sequence = 0;
        IsMerged = false;
        if (!keepInbox) { Inbox.Clear(); }
    }
}
