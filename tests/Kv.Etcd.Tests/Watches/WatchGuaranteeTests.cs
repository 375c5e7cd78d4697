using Kv.Etcd.Tests.Systems;
using Kv.Testing.Watches;

namespace Kv.Etcd.Tests.Watches;

/// <summary>Watches under a load of concurrent writers keep what etcd promises.</summary>
public sealed class WatchGuaranteeTests
{
    private const int Writers = 3;
    private const int WritesEach = 120;

    /// <summary>Every demand has this key in its range: its last two writes end all watches.</summary>
    private const string LastKey = "a/1";

    private static readonly WatchDemand[] Demands =
    [
        new("a/", "a0", PrevKv: true),
        new("a/", "a0"),
        new(LastKey, PrevKv: true),
        new("\0", Keys.NoEnd, PrevKv: true),
        new("a/1", "b/2", NoPuts: true, PrevKv: true),
        new("a", Keys.NoEnd, NoDeletes: true),
    ];

    public static TheoryData<string> All => [Candidates.Etcd, Candidates.KvHost];

    [Theory]
    [MemberData(nameof(All))]
    public async Task Watches_get_every_event_once_and_in_order(string name)
    {
        using EtcdSystem system = await Candidates.StartAsync(name);
        var load = new WatchedLoad(system.Endpoint);
        await load.WriteAsync(seed: 1, writes: 20);
        WatchRecorder[] live = await StartAllAsync(system, startRevision: 0);
        WatchRecorder[] fromPast = await StartAllAsync(system, startRevision: 2);

        await Task.WhenAll(Enumerable.Range(2, Writers).Select(seed => load.WriteAsync(seed, WritesEach)));
        (long put, long deletion) = await EndAsync(load);

        await CheckAsync(load.History, [.. live, .. fromPast], put, deletion);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_watch_that_broke_goes_on_where_it_was(string name)
    {
        using EtcdSystem system = await Candidates.StartAsync(name);
        var load = new WatchedLoad(system.Endpoint);
        WatchRecorder[] broken = await StartAllAsync(system, startRevision: 0);
        await Task.WhenAll(Enumerable.Range(2, Writers).Select(seed => load.WriteAsync(seed, WritesEach)));
        (long put, long deletion) = await EndAsync(load);
        await CheckAsync(load.History, broken, put, deletion);

        Task writing = Task.WhenAll(
            Enumerable.Range(12, Writers).Select(seed => load.WriteAsync(seed, WritesEach)));
        WatchRecorder[] resumed = await Task.WhenAll(broken.Select(before => WatchRecorder.StartAsync(
            system.Endpoint, before.Record.Demand with { StartRevision = before.Record.Last + 1 })));
        await writing;
        (put, deletion) = await EndAsync(load);

        await CheckAsync(load.History, resumed, put, deletion);
    }

    private static async Task<WatchRecorder[]> StartAllAsync(EtcdSystem system, long startRevision) =>
        await Task.WhenAll(Demands.Select(demand => WatchRecorder.StartAsync(
            system.Endpoint, demand with { StartRevision = startRevision })));

    private static async Task<(long Put, long Deletion)> EndAsync(WatchedLoad load) =>
        (await load.PutAsync(LastKey, "last"), await load.DeleteAsync(LastKey, ""));

    // Only when everything is there: etcd 3.4 answers before what it has not sent yet.
    private static async Task CheckAsync(
        WriteHistory history, WatchRecorder[] recorders, long put, long deletion)
    {
        foreach (WatchRecorder recorder in recorders)
        {
            await recorder.ReachesAsync(recorder.Record.Demand.NoDeletes ? put : deletion);
            await recorder.ProgressAsync();
            await recorder.DisposeAsync();
            Assert.Empty(WatchValidator.Check(history, recorder.Record, through: deletion));
            Assert.Equal(deletion, recorder.Record.Last);
        }
    }
}
