using Kv.Actors.Log;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Tests.Simulation;

/// <summary>Nodes, clients and one log in virtual time, all of it from one seed and on one thread.</summary>
internal sealed class SimWorld
{
    /// <summary>
    /// After healing every node takes a write within this, ms. Below the time after which lost entries are
    /// appended again anyway (<c>ReadBackTimeoutMs</c>), since no entry is lost any more by then.
    /// </summary>
    private const int LivenessMs = 8_000;

    /// <summary>What was under way when the faults ended has arrived after this, ms.</summary>
    private const int SettlingMs = 2_000;

    private const int StepsMax = 100_000;

    private readonly SimNode?[] _nodes;
    private readonly SimDisk[] _disks;
    private readonly List<SimClient> _clients = [];
    private readonly List<SimProbe> _probes = [];
    private readonly SimFaults _faults;

    internal SimWorld(int seed, bool rewritesLog, BrokenParts broken, bool withTranscript)
    {
        Dice = new Dice(seed);
        Plan = SimPlan.Of(Dice, rewritesLog);
        Broken = broken;
        Transcript = new Transcript(withTranscript, Time);
        Log = new SimLog(this);
        Clerk = new SimClerk(this);
        _nodes = new SimNode?[Plan.Nodes];
        _disks = [.. Enumerable.Range(0, Plan.Nodes).Select(static _ => new SimDisk())];
        _faults = new SimFaults(this);
    }

    internal Timeline Time { get; } = new();

    internal Dice Dice { get; }

    internal SimPlan Plan { get; }

    internal BrokenParts Broken { get; }

    internal Transcript Transcript { get; }

    internal SimLog Log { get; }

    internal LogOracle Oracle { get; private set; } = new();

    internal SimClerk Clerk { get; }

    /// <summary>Calls without an end yet.</summary>
    internal List<SimAttempt> Attempts { get; } = [];

    /// <summary>What became of messages of the log, on any node.</summary>
    internal HashSet<EntryFate> FatesMet { get; } = [];

    /// <summary>Rare things that happened, whatever became of them.</summary>
    internal HashSet<string> EventsMet { get; } = [];

    /// <summary>Newest revision a client was told. Clients talk to each other.</summary>
    internal long RevisionKnown { get; set; }

    internal bool IsFaulty { get; private set; } = true;

    internal IEnumerable<SimNode> LiveNodes => _nodes.OfType<SimNode>();

    internal void Met(string rareEvent) => EventsMet.Add(rareEvent);

    internal void Run()
    {
        Transcript.Add($"plan      {Plan}");
        if (Plan.Genesis is { } genesis)
        {
            Log.Arrive(EncodeAlone(genesis.ClusterId, new Command.Found(genesis)), "the founder");
        }
        for (int i = 0; i < Plan.Nodes; i++)
        {
            StartNode(i);
        }
        for (int i = 0; i < Plan.Clients; i++)
        {
            _clients.Add(new SimClient(this, i));
            _clients[i].Start();
        }
        _faults.Start();
        Time.In(Plan.FaultsUntilMs, Heal);
        RunUntil(Plan.FaultsUntilMs + SettlingMs, () => false);
        RunUntil(
            Plan.FaultsUntilMs + LivenessMs,
            () => Plan.RewritesLog || _probes.TrueForAll(static probe => probe.IsDone));
        CheckProbes();
        RunUntil(long.MaxValue, () => _clients.TrueForAll(static client => client.IsDone));
        if (Plan.RewritesLog)
        {
            // Nodes that wait for an offset which the new log does not have yet keep appending.
            RunUntil(Time.NowMs + SettlingMs, static () => false);
        }
        RunUntil(Time.NowMs + SettlingMs, HasEverybodyAll);
        CheckAtEnd();
    }

    internal SimNode? PickNode() => FindNode(Dice.Between(0, Plan.Nodes - 1));

    internal SimNode? FindNode(int number) => _nodes[number];

    internal SimDisk DiskOf(SimNode node) => _disks[node.Number];

    /// <summary>
    /// A majority has snapshots at or beyond it, and no node that serves lags behind it: the log is not
    /// needed below.
    /// </summary>
    internal long CoveredOffset => Math.Min(
        _disks.Select(static disk => disk.Snapshots.Count > 0 ? disk.Snapshots[0].Offset : 0)
            .OrderDescending()
            .ElementAt(Plan.Nodes / 2),
        LiveNodes.Where(static node => node.Follower.HasCaughtUp)
            .Select(static node => node.Follower.Store.AppliedOffset)
            .Append(long.MaxValue)
            .Min());

    /// <summary>Whether all others can still go on without the node's data.</summary>
    internal bool MayLoseDisk(SimNode node) => !Plan.RewritesLog && Array.TrueForAll(
        _nodes,
        other => other == node || other?.Follower.Store.AppliedOffset >= Log.FirstOffset);

    internal void CollectAnswers(SimNode node)
    {
        for (int i = Attempts.Count - 1; i >= 0; i--)
        {
            if (Attempts[i].Node == node)
            {
                Attempts[i].Collect();
            }
        }
    }

    /// <summary>The node's process is gone; another is started a while later.</summary>
    internal void NodeEnds(SimNode node)
    {
        if (node.IsDead)
        {
            return;
        }
        Transcript.Add($"{node.Id}        is gone");
        node.Die();
        _nodes[node.Number] = null;
        foreach (SimAttempt attempt in Attempts.Where(attempt => attempt.Node == node).ToArray())
        {
            attempt.LoseNode();
        }
        Time.In(Dice.Between(1, 1_000), () => StartNode(node.Number));
    }

    /// <summary>The log loses confirmed entries, as after a loss of power and an unlucky election.</summary>
    internal void RewriteLog()
    {
        int genesisAt = Log.Records.ToList().FindIndex(static record => EntryText.IsGenesis(record.Entry));
        if (genesisAt < 0 || Log.Records.Count - genesisAt < 3)
        {
            return;
        }
        Log.Rewind(Dice.Between(genesisAt + 1, Log.Records.Count - 1));
        Oracle = new LogOracle();
        foreach (LogRecord record in Log.Records)
        {
            Oracle.Take(record.Offset, record.Entry.ToArray());
        }
        foreach (SimNode node in LiveNodes)
        {
            node.BreakChannel(Dice.Between(10, 300));
            node.BreakFeed(Dice.Between(10, 300));
        }
    }

    internal static byte[] EncodeAlone(ulong clusterId, Command command) => EntryCodec.Encode(new LogEntry
    {
        ClusterId = clusterId,
        ProducerId = LogEntry.NoProducer,
        Sequence = 0,
        BasisOffset = -1,
        BasisChain = Digest.Zero,
        TimestampMs = 0,
        Commands = [new LoggedCommand(command)],
    });

    private void StartNode(int number)
    {
        Transcript.Add($"n{number}        starts");
        SimDisk disk = _disks[number];
        _nodes[number] = new SimNode(this, number, disk, PickSnapshot(disk));
        _nodes[number]!.Start();
    }

    // Any that leads into the log. A damaged one is passed over, so it may be none where the log is whole.
    private SimDisk.Snapshot? PickSnapshot(SimDisk disk)
    {
        SimDisk.Snapshot?[] useful = Log.IsTruncated
            ? [.. disk.Snapshots.Where(snapshot => snapshot.Offset >= Log.FirstOffset)]
            : [.. disk.Snapshots, null];
        return useful.Length > 0 ? Dice.Pick(useful) : null;
    }

    private void Heal()
    {
        Transcript.Add($"-------   no more faults");
        IsFaulty = false;
        for (int i = 0; i < Plan.Nodes; i++)
        {
            _probes.Add(new SimProbe(this, i));
            _probes[i].Start();
        }
    }

    private void RunUntil(long timeMs, Func<bool> isDone)
    {
        while (Time.NowMs < timeMs && !isDone())
        {
            Time.RunNext();
            if (Time.Steps > StepsMax)
            {
                throw new SimulationFailure($"It comes to no end in {StepsMax} steps.");
            }
        }
    }

    private bool HasEverybodyAll() => _nodes.All(node => node is not null
        && (node.Follower.IsHalted || node.Follower.Store.AppliedOffset >= Log.LastOffset));

    private void CheckProbes()
    {
        for (int i = 0; i < Plan.Nodes && !Plan.RewritesLog; i++)
        {
            if (!_probes[i].IsDone)
            {
                throw new SimulationFailure(
                    $"n{i} took no write within {LivenessMs} ms after the last fault: {_probes[i].Trouble}.");
            }
        }
    }

    private void CheckAtEnd()
    {
        if (!HasEverybodyAll())
        {
            throw new SimulationFailure("Not every node has the log's last entry.");
        }
        foreach (SimNode node in LiveNodes.Where(static node =>
            !node.Follower.IsHalted && !node.Witness.WasFooled))
        {
            KeyValueStore store = node.Follower.Store;
            if (store.AppliedOffset > Log.LastOffset)
            {
                throw new SimulationFailure($"{node.Id} serves entries that the log does not have.");
            }
            if (!Plan.RewritesLog && StateText.Of(store.View()) != Oracle.Find(store.AppliedOffset)!.State)
            {
                throw new SimulationFailure($"{node.Id} ends in another state than the log's.");
            }
            if (Broken.ComparesChains
                && store.AppliedOffset >= 0
                && store.Chain != Oracle.Find(store.AppliedOffset)?.Chain)
            {
                throw new SimulationFailure($"{node.Id} serves another history than the log's.");
            }
        }
        if (!Plan.RewritesLog)
        {
            Clerk.CheckAtEnd();
        }
    }
}
