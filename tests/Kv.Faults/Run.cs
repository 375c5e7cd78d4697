using System.Diagnostics;
using Kv.Faults.Checks;
using Kv.Faults.Faults;
using Kv.Faults.Load;
using Kv.Faults.Machine;
using Kv.Testing.Histories;
using Kv.Testing.Linearizability;

namespace Kv.Faults;

/// <summary>One run, from boot to checks.</summary>
internal sealed class Run : IAsyncDisposable
{
    /// <summary>Successful operations per second of load, below which a run fails.</summary>
    private const int OperationsPerSecondMin = 20;

    /// <summary>Time beyond the one asked for in which every kind has to have happened, s.</summary>
    private const int OvertimeSMax = 240;

    private const int ReadyTimeoutMs = 60_000;
    private const int SnapshotTimeoutMs = 60_000;
    private const int PollMs = 100;
    private static readonly TimeSpan CheckPatience = TimeSpan.FromMinutes(3);

    private readonly RunOptions _options;
    private readonly FaultPlan _plan;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Arena _arena;
    private readonly Workload _load;
    private readonly FaultInjector _injector;
    private readonly List<CheckResult> _checks = [];

    private Run(RunOptions options, Arena arena)
    {
        _options = options;
        _plan = new FaultPlan(options);
        _arena = arena;
        _load = new Workload(
            options.Seed,
            arena.Nodes.Select(static node => node.RpcAddress),
            Path.Combine(options.ReportDirectory, "history.jsonl"));
        _injector = new FaultInjector(arena, Say);
    }

    public IReadOnlyList<CheckResult> Checks => _checks;

    public LoadCounts Counts => _load.Counts;

    public IReadOnlyDictionary<FaultKind, int> Survived => _injector.Survived;

    /// <summary>Time of load and faults, s.</summary>
    public double LoadS { get; private set; }

    public static async Task<Run> StartAsync(RunOptions options) =>
        new(options, await Arena.StartAsync(options));

    /// <summary>Faults under load, then the checks.</summary>
    public async Task ExecuteAsync()
    {
        Say("all nodes are ready; load and faults begin");
        var load = Stopwatch.StartNew();
        _load.Start();
        await Task.WhenAll(_plan.Lanes.Select((kinds, lane) => RunLaneAsync(lane, kinds.Length, load)));
        LoadS = load.Elapsed.TotalSeconds;
        Say("no more faults");
        bool areReady = await CheckReadyAsync();
        if (areReady) { await CheckSnapshotStartAsync(_arena.Nodes[0]); }
        await _load.StopAsync();
        LoadS = load.Elapsed.TotalSeconds;
        if (areReady) { await CheckNodesAsync(); }
        await CheckHistoryAsync();
        CheckWhatHappened();
    }

    public async ValueTask DisposeAsync()
    {
        await _load.DisposeAsync();
        await _arena.DisposeAsync();
    }

    // Until the time is over, and on until each kind has happened once.
    private async Task RunLaneAsync(int lane, int kinds, Stopwatch load)
    {
        int done = 0;
        foreach (Fault fault in _plan.Of(lane))
        {
            bool isOver = load.Elapsed.TotalSeconds >= _options.Seconds;
            bool isLate = load.Elapsed.TotalSeconds >= _options.Seconds + OvertimeSMax;
            if (isLate || (isOver && done >= kinds)) { return; }
            try
            {
                await _injector.InjectAsync(fault);
            }
            catch (Exception failed) when (failed is TimeoutException or InvalidOperationException)
            {
                Add($"{fault.Kind} is made and mended", false, failed.Message);
                return;
            }
            done++;
        }
    }

    /// <returns>False: a node is not ready, so that comparing them makes no sense.</returns>
    private async Task<bool> CheckReadyAsync()
    {
        long startedMs = _clock.ElapsedMilliseconds;
        bool[] ready = await Task.WhenAll(
            _arena.Nodes.Select(static node => Arena.ReadyAsync(node, ReadyTimeoutMs)));
        string[] late = [.. _arena.Nodes.Where((_, i) => !ready[i]).Select(static node => node.Name)];
        Add("All nodes are ready again by themselves", late.Length == 0, late.Length == 0
            ? $"within {_clock.ElapsedMilliseconds - startedMs} ms"
            : $"not within {ReadyTimeoutMs} ms: {string.Join(' ', late)}");
        string[] ended =
            [.. _arena.Nodes.Where(static node => node.HasEnded).Select(static node => node.Name)];
        Add("No node ended by itself", ended.Length == 0, $"{ended.Length} did. {string.Join(' ', ended)}");
        return late.Length == 0;
    }

    // Chance alone does not see to it: between two kills there may be no snapshot.
    private async Task CheckSnapshotStartAsync(NodeProcess node)
    {
        int written = node.SnapshotsWritten;
        int started = node.StartsFromSnapshot;
        long giveUpMs = Environment.TickCount64 + SnapshotTimeoutMs;
        while (node.SnapshotsWritten == written && Environment.TickCount64 < giveUpMs)
        {
            await Task.Delay(PollMs);
        }
        node.Kill();
        _arena.Start(node);
        bool isReady = await Arena.ReadyAsync(node, ReadyTimeoutMs);
        Add("A node killed after a snapshot starts from it", isReady && node.StartsFromSnapshot > started,
            $"{_arena.Nodes.Sum(static each => each.SnapshotsWritten)} snapshots written, "
                + $"{_arena.Nodes.Sum(static each => each.StartsFromSnapshot)} starts from one");
    }

    private async Task CheckNodesAsync()
    {
        IReadOnlyCollection<string> silent = await _load.ReadAllAsync();
        Add("Every key is read once more", silent.Count == 0, $"{silent.Count} gave no answer");
        using var nodes = new NodeChecks(_arena.Nodes);
        Add(await nodes.DigestsAsync());
        Add(await nodes.KeysAsync());
        LoadCounts counts = _load.Counts;
        long most = counts.Ok + counts.UnknownCalls;
        Add("Nothing is lost, nothing applied twice: the store counts all acknowledged commands, and no more "
            + "than may have been published",
            nodes.Order >= counts.Ok && nodes.Order <= most,
            $"{nodes.Order} applied; {counts.Ok} acknowledged, {counts.UnknownCalls} calls left unknown");
        Add("No two operations got one place in the order", counts.OrderGivenTwice == 0,
            counts.OrderGivenTwice == 0 ? $"{counts.Ok} places" : $"place {counts.OrderGivenTwice}");
    }

    private async Task CheckHistoryAsync()
    {
        IReadOnlyList<Operation> operations = await _load.CloseHistoryAsync();
        var checking = Stopwatch.StartNew();
        Verdict verdict = LinearizabilityChecker.Check(operations, CheckPatience);
        Add("The history is linearizable, final reads included", verdict is Verdict.Linearizable,
            verdict is Verdict.Linearizable
                ? $"{operations.Count} operations, checked in {checking.ElapsedMilliseconds} ms"
                : verdict.ToString());
    }

    private void CheckWhatHappened()
    {
        double rate = _load.Counts.Ok / LoadS;
        Add($"At least {OperationsPerSecondMin} operations succeed per second",
            rate >= OperationsPerSecondMin, $"{rate:0.0}");
        FaultKind[] missing =
            [.. _plan.Lanes.SelectMany(static kinds => kinds).Except(_injector.Survived.Keys)];
        Add("Every kind of fault happened", missing.Length == 0,
            missing.Length == 0 ? $"{_injector.Survived.Count} kinds" : string.Join(' ', missing));
    }

    private void Add(string what, bool passed, string detail) => Add(new CheckResult(what, passed, detail));

    private void Add(CheckResult check)
    {
        lock (_checks) { _checks.Add(check); }
        Say($"{(check.Passed ? "passed" : "FAILED")}: {check.What} ({check.Detail})");
    }

    private void Say(string what) => Console.WriteLine($"{_clock.Elapsed.TotalSeconds,7:0.0} {what}");
}
