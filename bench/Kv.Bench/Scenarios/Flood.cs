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
    private const int InFlight = 256;

    // Twice what the nodes take: the rest has to be refused. More would only wait within this process.
    private const int FloodInFlightMax = 12_000;

    private const int Factor = 5;
    private const int ClientCores = 0b10;
    private const long Mebi = 1 << 20;

    private static readonly TimeSpan Warming = TimeSpan.FromSeconds(40);
    private static readonly TimeSpan Measured = TimeSpan.FromSeconds(20);

    public static async Task RunAsync(TimeSpan duration)
    {
        // What makes the flood must not take from what has to bear it.
        using var self = Process.GetCurrentProcess();
        if (OperatingSystem.IsLinux())
        {
            self.ProcessorAffinity = ClientCores;
        }
        await using BenchCluster cluster = await BenchCluster.StartAsync(
            new Dictionary<string, string>(), "taskset", "-c", "0");
        var load = new PutLoad(cluster.Nodes, ValueBytes, Keys);
        await load.ClosedAsync(InFlight, Warming);

        double before = await RateAsync(load);
        long idleBytes = cluster.Nodes.Max(static node => node.ResidentBytes);
        using var watching = new CancellationTokenSource();
        Task<long> peak = PeakAsync(cluster, watching.Token);
        CallCounts flood = await load.OpenAsync(Factor * before, FloodInFlightMax, duration);
        await watching.CancelAsync();
        double seconds = duration.TotalSeconds;
        double goodput = flood.Ok / seconds;
        double after = await RateAsync(load);

        double most = Math.Max(before, after);
        Console.WriteLine($"""
            | puts of {ValueBytes} B, 3 nodes and broker on one core, client on another | |
            |---|---|
            | most, closed loop, {InFlight} in flight, before / after | {before:n0}/s / {after:n0}/s |
            | offered in the flood | {flood.Offered / seconds:n0}/s for {seconds:n0} s |
            | goodput in the flood | {goodput:n0}/s, {goodput / most:p0} of the most |
            | how calls ended | {flood} |
            | memory of the largest node, before, peak, MiB | {idleBytes / Mebi:n0}, {await peak / Mebi:n0} |
            | nodes that ended | {cluster.Nodes.Count(static node => node.HasExited)} |
            """);
    }

    private static async Task<double> RateAsync(PutLoad load) =>
        (await load.ClosedAsync(InFlight, Measured)).Ok / Measured.TotalSeconds;

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
