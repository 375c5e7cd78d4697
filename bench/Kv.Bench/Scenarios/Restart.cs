using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Grpc.Core;
using Kv.Bench.Machine;
using Kv.Protos.V1;

namespace Kv.Bench.Scenarios;

/// <summary>
/// kill -9 of all three nodes under load, with many keys in them: how long until they serve again, and
/// whether every acknowledged write is there.
/// </summary>
internal static class Restart
{
    private const int ValueBytes = 100;
    private const int InFlight = 512;
    private const int Writers = 8;
    private const int PageKeys = 5_000;
    private const int Rounds = 3;

    public static async Task RunAsync(int keys)
    {
        await using BenchCluster cluster = await BenchCluster.StartAsync(new Dictionary<string, string>());
        var acknowledged = new ConcurrentDictionary<string, string>();
        long began = Stopwatch.GetTimestamp();
        await LoadAsync(cluster, keys, acknowledged);
        Console.WriteLine($"{keys:n0} keys loaded in {Stopwatch.GetElapsedTime(began).TotalSeconds:n1} s");

        List<double[]> rounds = [];
        List<double> processor = [];
        for (int round = 0; round < Rounds; round++)
        {
            await KillUnderLoadAsync(cluster, round, acknowledged);
            rounds.Add(await StartAllAsync(cluster, processor));
        }
        long[] lost = await Task.WhenAll(cluster.Nodes.Select(node => LostAsync(node, acknowledged)));
        IEnumerable<long> memory = cluster.Nodes.Select(static node => node.ResidentBytes >> 20);
        double median = processor.Order().ElementAt(processor.Count / 2);
        double[] last = [.. rounds.Select(static seconds => seconds.Max()).Order()];
        Console.WriteLine($"""
            | kill -9 of 3 nodes under load, {keys:n0} keys of {ValueBytes} B, {Rounds} times | |
            |---|---|
            | writes acknowledged before the last | {acknowledged.Count:n0} |
            | ready after the start of all three at once, s, by round | {Show(rounds)} |
            | the last of the three, s, from best to worst | {Show([last])} |
            | processor time of a node until it was ready, s, median | {median:n2} |
            | acknowledged writes missing, by node | {string.Join(", ", lost)} |
            | memory, MiB | {string.Join(", ", memory)} |
            """);
    }

    private static string Show(List<double[]> rounds) => string.Join(
        "; ",
        rounds.Select(static seconds => string.Join(
            " ", seconds.Select(static each => each.ToString("n2", CultureInfo.InvariantCulture)))));

    private static async Task KillUnderLoadAsync(
        BenchCluster cluster, int round, ConcurrentDictionary<string, string> acknowledged)
    {
        using var stop = new CancellationTokenSource();
        Task[] writers = [.. Enumerable.Range(0, Writers)
            .Select(i => WriteAsync(cluster.Nodes[i % 3], $"late-{round}-{i}", acknowledged, stop.Token))];
        await Task.Delay(2_000, CancellationToken.None);
        foreach (BenchNode node in cluster.Nodes)
        {
            node.Kill();
        }
        await stop.CancelAsync();
        await Task.WhenAll(writers);
    }

    private static Task<double[]> StartAllAsync(BenchCluster cluster, List<double> processor)
    {
        long began = Stopwatch.GetTimestamp();
        return Task.WhenAll(cluster.Nodes.Select(async node =>
        {
            node.Start();
            await node.ReadyAsync(TimeSpan.FromMinutes(2));
            double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
            lock (processor)
            {
                processor.Add(node.ProcessorSeconds);
            }
            return seconds;
        }));
    }

    private static async Task LoadAsync(
        BenchCluster cluster, int keys, ConcurrentDictionary<string, string> acknowledged)
    {
        int next = 0;
        string rest = new('v', ValueBytes - 12);
        await Task.WhenAll(Enumerable.Range(0, InFlight).Select(worker => Task.Run(async () =>
        {
            KvService.KvServiceClient kv = cluster.Nodes[worker % 3].Kv;
            while (Interlocked.Increment(ref next) is var number && number <= keys)
            {
                string value = $"\"{number:d9}{rest}\"";
                await kv.SetAsync(new SetRequest { Key = $"key-{number:d9}", ValueJson = value });
                acknowledged[$"key-{number:d9}"] = value;
            }
        })));
    }

    private static async Task WriteAsync(
        BenchNode node,
        string prefix,
        ConcurrentDictionary<string, string> acknowledged,
        CancellationToken stop)
    {
        for (int i = 0; !stop.IsCancellationRequested; i++)
        {
            string key = $"{prefix}-{i:d7}";
            try
            {
                await node.Kv.SetAsync(
                    new SetRequest { Key = key, ValueJson = $"{i}" }, cancellationToken: stop);
                acknowledged[key] = $"{i}";
            }
            catch (RpcException)
            {
                // The node is gone: whether this one was written is not known.
                return;
            }
        }
    }

    private static async Task<long> LostAsync(
        BenchNode node, ConcurrentDictionary<string, string> acknowledged)
    {
        long found = 0;
        var request = new PrintRequest { Limit = PageKeys, Consistency = Consistency.Local };
        PrintReply page;
        do
        {
            page = await node.Kv.PrintAsync(request);
            found += page.Entries.Count(
                entry => acknowledged.TryGetValue(entry.Key, out string? value) && value == entry.ValueJson);
            request.After = page.Entries.Count > 0 ? page.Entries[^1].Key : "";
        }
        while (page.More);
        return acknowledged.Count - found;
    }
}
