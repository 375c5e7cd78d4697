using Kv.Faults.Machine;

namespace Kv.Faults.Faults;

/// <summary>Makes faults happen, and mends them.</summary>
internal sealed class FaultInjector(Arena arena, Action<string> log)
{
    /// <summary>
    /// Longest wait for a node after its restart before the next fault of its lane, ms: while brokers are
    /// away, it cannot be ready.
    /// </summary>
    private const int ReadyPatienceMs = 6_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<FaultKind, int> _survived = [];

    /// <summary>Faults that were made and mended, by kind.</summary>
    public IReadOnlyDictionary<FaultKind, int> Survived
    {
        get { lock (_gate) { return new Dictionary<FaultKind, int>(_survived); } }
    }

    /// <summary>Returns when the fault is mended; a killed broker has its copy of the log again.</summary>
    public async Task InjectAsync(Fault fault)
    {
        NodeProcess node = arena.Nodes[fault.Target];
        switch (fault.Kind)
        {
            case FaultKind.NodeKilled:
                await RestartAsync([node], fault, static _ => { });
                break;
            case FaultKind.AllNodesKilled:
                await RestartAsync(arena.Nodes, fault, static _ => { });
                break;
            case FaultKind.NodeEmptied:
                await RestartAsync([node], fault, static victim => victim.EmptyData());
                break;
            case FaultKind.NodePaused:
                await PauseNodeAsync(node, fault);
                break;
            case FaultKind.NodeCut:
                await CutAsync(node.Name, arena.Brokers.Names, fault);
                break;
            case FaultKind.DiskFull:
                await FillDiskAsync(fault);
                break;
            case FaultKind.DiskSlow:
                Say(fault, arena.Nodes[^1].Name);
                await arena.Disk!.SlowDownAsync(fault.LastsMs);
                break;
            default:
                await InjectAtBrokersAsync(fault);
                break;
        }
        lock (_gate) { _survived[fault.Kind] = _survived.GetValueOrDefault(fault.Kind) + 1; }
        await Task.Delay(fault.PauseMs);
    }

    private async Task InjectAtBrokersAsync(Fault fault)
    {
        int target = fault.Target % arena.Brokers.Nodes.Count;
        if (fault.Kind is FaultKind.LeaderKilled or FaultKind.LeaderPaused or FaultKind.LeaderCut)
        {
            target = await arena.Brokers.LeaderAsync(asked: target);
        }
        string name = arena.Brokers.Names[target];
        switch (fault.Kind)
        {
            case FaultKind.BrokerKilled or FaultKind.LeaderKilled:
                Say(fault, name);
                await arena.Brokers.Nodes[target].KillAsync(settles: false);
                await Task.Delay(fault.LastsMs);
                await arena.Brokers.Nodes[target].StartAsync();
                // The next fault must not meet the log with one copy less. What only stood still, or was cut
                // for less than the brokers need to notice (a minute), has lost nothing.
                await arena.Brokers.WholeAsync();
                break;
            case FaultKind.BrokerPaused or FaultKind.LeaderPaused:
                await PauseBrokersAsync([target], fault);
                break;
            case FaultKind.MajorityPaused:
                await PauseBrokersAsync(
                    [.. Enumerable.Range(0, arena.Brokers.Nodes.Count).Where(i => i != target)], fault);
                break;
            default:
                await CutAsync(name, arena.Brokers.Names.Where(other => other != name), fault);
                break;
        }
    }

    private async Task RestartAsync(
        IReadOnlyList<NodeProcess> victims, Fault fault, Action<NodeProcess> whileAway)
    {
        Say(fault, string.Join(' ', victims.Select(static victim => victim.Name)));
        foreach (NodeProcess victim in victims) { victim.Kill(); }
        await Task.Delay(fault.LastsMs / 2);
        foreach (NodeProcess victim in victims)
        {
            whileAway(victim);
            arena.Start(victim);
        }
        foreach (NodeProcess victim in victims) { await Arena.ReadyAsync(victim, ReadyPatienceMs); }
    }

    private async Task PauseNodeAsync(NodeProcess node, Fault fault)
    {
        Say(fault, node.Name);
        await node.PauseAsync();
        await Task.Delay(fault.LastsMs);
        node.Resume();
    }

    private async Task PauseBrokersAsync(int[] targets, Fault fault)
    {
        Say(fault, string.Join(' ', targets.Select(target => arena.Brokers.Names[target])));
        foreach (int target in targets) { await arena.Brokers.Nodes[target].PauseAsync(); }
        await Task.Delay(fault.LastsMs);
        foreach (int target in targets) { await arena.Brokers.Nodes[target].ResumeAsync(); }
    }

    private async Task CutAsync(string host, IEnumerable<string> from, Fault fault)
    {
        Say(fault, host);
        await arena.Network.CutAsync(host, from);
        await Task.Delay(fault.LastsMs);
        await arena.Network.MendAsync(host);
    }

    private async Task FillDiskAsync(Fault fault)
    {
        Say(fault, arena.Nodes[^1].Name);
        arena.Disk!.Fill();
        await Task.Delay(fault.LastsMs);
        arena.Disk.Mend();
    }

    private void Say(Fault fault, string target) => log($"{fault.Kind} {target} for {fault.LastsMs} ms");
}
