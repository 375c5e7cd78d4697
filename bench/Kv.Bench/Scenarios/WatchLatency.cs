using System.Diagnostics;
using Kv.Bench.Load;
using Kv.Bench.Machine;

namespace Kv.Bench.Scenarios;

/// <summary>
/// From a put to its event at a watcher, at one node of ours (embedded mode) and at an etcd of one member, in
/// turns: both have the put on disk before they answer.
/// </summary>
internal static class WatchLatency
{
    private const int Rounds = 3;

    private static readonly TimeSpan Warming = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan Measured = TimeSpan.FromSeconds(10);

    public static async Task RunAsync(int watches)
    {
        Console.WriteLine(
            "| watches | server | put to event, p50, p99, most, ms | put to answer, p50, p99 "
                + "| wrong events |");
        Console.WriteLine("|---|---|---|---|---|");
        WatchShape[] shapes =
        [
            new($"{watches}, a key each, one stream", watches, 1, SameKey: false, PutsPerSecond: 100),
            new($"{watches}, a key and stream each", watches, watches, SameKey: false, PutsPerSecond: 100),
            new($"{watches} of one key, one stream", watches, 1, SameKey: true, PutsPerSecond: 10),
            new($"{watches} of one key, a stream each", watches, watches, SameKey: true, PutsPerSecond: 10),
            new($"{watches} of one key, one stream", watches, 1, SameKey: true, PutsPerSecond: 100),
        ];
        foreach (WatchShape shape in shapes)
        {
            await CompareAsync(shape);
        }
    }

    private static async Task CompareAsync(WatchShape shape)
    {
        Dictionary<string, List<Round>> rounds = EtcdServer.Names.ToDictionary(
            static name => name, static _ => new List<Round>());
        for (int i = 0; i < Rounds; i++)
        {
            foreach (string name in EtcdServer.Names)
            {
                using EtcdServer server = await EtcdServer.StartAsync(name);
                using var load = new WatchLoad(server, shape);
                await load.RunAsync(Warming, Measured);
                rounds[name].Add(Round.Of(load));
            }
        }
        foreach ((string name, List<Round> all) in rounds)
        {
            Console.WriteLine(
                $"| {shape.Name}, {shape.PutsPerSecond} puts/s | {name} "
                    + $"| {Median(all, static r => r.P50):n2}, {Median(all, static r => r.P99):n2}, "
                    + $"{Median(all, static r => r.Most):n2} "
                    + $"| {Median(all, static r => r.PutP50):n2}, {Median(all, static r => r.PutP99):n2} "
                    + $"| {all.Sum(static r => r.Wrong)} |");
        }
    }

    private static double Median(List<Round> rounds, Func<Round, double> of) =>
        rounds.Select(of).Order().ElementAt(rounds.Count / 2);

    private sealed record Round(
        double P50, double P99, double Most, double PutP50, double PutP99, long Wrong)
    {
        public static Round Of(WatchLoad load)
        {
            long[] events = [.. load.Latencies.Order()];
            long[] puts = [.. load.PutLatencies.Order()];
            return new Round(
                At(events, 0.5), At(events, 0.99), At(events, 1), At(puts, 0.5), At(puts, 0.99), load.Wrong);
        }

        private static double At(long[] sorted, double part) => sorted.Length == 0
            ? double.NaN
            : sorted[(int)((sorted.Length - 1) * part)] * 1_000.0 / Stopwatch.Frequency;
    }
}
