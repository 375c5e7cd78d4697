using System.Diagnostics;
using Kv.Bench.Load;
using Kv.Bench.Machine;

namespace Kv.Bench.Scenarios;

/// <summary>
/// Far more load than the cluster can take: what it still gets done, and what it costs in memory. The most
/// it can do is measured before and after, in the same run. Takes two cores.
/// </summary>
internal static class Flood
{
    private const int ValueBytes = 16_384;
    private const int Keys = 20_000;
    // What is kept of 16 KiB values for reads at old revisions would reach the quota within minutes.
    private const string KeptHistory = "revisions:1000";

    private const int Factor = 5;
    private const int WarmingPerSecond = 3_000;
    private const int ClientCores = 0b10;
    private const long Mebi = 1 << 20;

    // More than the connections carry: what is beyond waits in the client, up to its deadline.
    private const int FloodInFlightMax = 12_000;

    private static readonly int[] Rungs = [64, 256, 512];

    private static readonly TimeSpan Warming = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan WarmingFlood = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Measured = TimeSpan.FromSeconds(10);

    public static async Task RunAsync(TimeSpan duration)
    {
        // What makes the flood must not take from what has to bear it.
        using var self = Process.GetCurrentProcess();
        if (OperatingSystem.IsLinux())
        {
            self.ProcessorAffinity = ClientCores;
        }
        await using BenchCluster cluster = await BenchCluster.StartAsync(
            new Dictionary<string, string> { ["KV_AUTO_COMPACTION"] = KeptHistory }, "taskset", "-c", "0");
        using var load = new PutLoad(cluster.Nodes, ValueBytes, Keys);
        await load.ClosedAsync(Rungs[^1], Warming);
        await load.OpenAsync(WarmingPerSecond, FloodInFlightMax, WarmingFlood);

        Phase before = await MostAsync(cluster, load);
        long idleBytes = cluster.Nodes.Max(static node => node.ResidentBytes);
        double usedBefore = cluster.Nodes.Sum(static node => node.ProcessorSeconds);
        using var watching = new CancellationTokenSource();
        Task<long> peak = PeakAsync(cluster, watching.Token);
        CallCounts flood = await load.OpenAsync(Factor * before.Rates.Max(), FloodInFlightMax, duration);
        await watching.CancelAsync();
        double used = cluster.Nodes.Sum(static node => node.ProcessorSeconds) - usedBefore;
        double seconds = duration.TotalSeconds;
        double goodput = flood.Ok / seconds;
        Phase after = await MostAsync(cluster, load);

        double perCoreSecond = Math.Max(before.PerCoreSecond, after.PerCoreSecond);
        double most = before.Rates.Concat(after.Rates).Max();
        Console.WriteLine($"""
            | puts of {ValueBytes} B, 3 nodes and broker on one core, client on another | |
            |---|---|
            | most, closed loop, {Show(Rungs)} in flight, before | {before} |
            | the same, after | {after} |
            | connections to each node, 100 calls each | {PutLoad.Connections} |
            | begun in the flood | {flood.Offered / seconds:n0}/s for {seconds:n0} s |
            | due in the flood, {Factor} times the most before | {Factor * before.Rates.Max():n0}/s |
            | due, not begun: the client had {FloodInFlightMax} under way | {flood.NotMade / seconds:n0}/s |
            | goodput in the flood | {goodput:n0}/s, {goodput / most:p0} of the most |
            | the same for equal processor time of the nodes | {flood.Ok / used / perCoreSecond:p0} |
            | the nodes' share of their core in the flood | {used / seconds:p0} |
            | how calls ended | {flood} |
            | memory of the largest node, before, peak, MiB | {idleBytes / Mebi:n0}, {await peak / Mebi:n0} |
            | nodes that ended | {cluster.Nodes.Count(static node => node.HasExited)} |
            """);
    }

    private static async Task<Phase> MostAsync(BenchCluster cluster, PutLoad load)
    {
        double usedBefore = cluster.Nodes.Sum(static node => node.ProcessorSeconds);
        long began = Stopwatch.GetTimestamp();
        var rates = new double[Rungs.Length];
        for (int i = 0; i < rates.Length; i++)
        {
            rates[i] = (await load.ClosedAsync(Rungs[i], Measured)).Ok / Measured.TotalSeconds;
        }
        double used = cluster.Nodes.Sum(static node => node.ProcessorSeconds) - usedBefore;
        return new Phase(rates, used / Stopwatch.GetElapsedTime(began).TotalSeconds);
    }

    /// <param name="Share">Of their core that the nodes got: others may have been busy there, too.</param>
    private sealed record Phase(double[] Rates, double Share)
    {
        /// <summary>Calls done in a second of a core that the nodes got.</summary>
        public double PerCoreSecond => Rates.Average() / Share;

        public override string ToString() => $"{Show(Rates)}/s; the nodes had {Share:p0} of their core";
    }

    private static string Show<T>(IEnumerable<T> figures) =>
        string.Join(", ", figures.Select(static figure => $"{figure:n0}"));

    private static async Task<long> PeakAsync(BenchCluster cluster, CancellationToken stop)
    {
        long peak = 0;
        while (!stop.IsCancellationRequested)
        {
            peak = Math.Max(peak, cluster.Nodes.Max(static node => node.ResidentBytes));
            await Task.Delay(200, CancellationToken.None);
        }
        return peak;
    }
}
