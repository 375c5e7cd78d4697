namespace Kv.Faults.Faults;

/// <summary>
/// What is to happen, from a seed: for nodes, brokers and the disk a lane each, without end, which run at the
/// same time. A lane goes through all its kinds in a random order before one comes again.
/// </summary>
internal sealed class FaultPlan(RunOptions options)
{
    private const int Nodes = 3;

    // In a short run every kind has to fit in.
    private int LastsMsMax => options.Seconds < 180 ? 5_000 : 12_000;

    private int PauseMsMax => options.Seconds < 180 ? 2_000 : 6_000;

    public IReadOnlyList<FaultKind[]> Lanes =>
    [
        .. new[] { NodeKinds(), BrokerKinds(), DiskKinds() }.Where(static kinds => kinds.Length > 0),
    ];

    /// <summary>The faults of a lane, without end.</summary>
    public IEnumerable<Fault> Of(int lane)
    {
        var random = new Random(unchecked((options.Seed * 31) + lane));
        while (true)
        {
            FaultKind[] round = [.. Lanes[lane]];
            random.Shuffle(round);
            foreach (FaultKind kind in round)
            {
                yield return new Fault(
                    kind,
                    Target: random.Next(Nodes),
                    LastsMs: random.Next(500, LastsMsMax),
                    PauseMs: random.Next(500, PauseMsMax));
            }
        }
    }

    private FaultKind[] NodeKinds()
    {
        List<FaultKind> kinds =
        [
            FaultKind.NodeKilled, FaultKind.AllNodesKilled, FaultKind.NodeEmptied, FaultKind.NodePaused,
        ];
        if (options.Cuts) { kinds.Add(FaultKind.NodeCut); }
        return [.. kinds];
    }

    private FaultKind[] BrokerKinds()
    {
        if (options.Brokers == 1) { return [FaultKind.BrokerKilled, FaultKind.BrokerPaused]; }
        List<FaultKind> kinds =
        [
            FaultKind.BrokerKilled, FaultKind.BrokerPaused, FaultKind.LeaderKilled, FaultKind.LeaderPaused,
            FaultKind.MajorityPaused,
        ];
        if (options.Cuts) { kinds.AddRange([FaultKind.BrokerCut, FaultKind.LeaderCut]); }
        return [.. kinds];
    }

    private FaultKind[] DiskKinds() => options.Disks ? [FaultKind.DiskFull, FaultKind.DiskSlow] : [];
}
