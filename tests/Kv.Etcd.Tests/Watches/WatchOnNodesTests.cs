using Kv.Etcd.Tests.Systems;
using Kv.Protos.Etcd;
using Kv.Testing.Watches;

namespace Kv.Etcd.Tests.Watches;

/// <summary>Watches on several nodes: broken, resumed elsewhere, read slowly.</summary>
public sealed class WatchOnNodesTests
{
    private const string LastKey = "a/1";
    private const int Rounds = 4;

    private static readonly WatchDemand[] Demands =
    [
        new("a/", "a0", PrevKv: true),
        new(LastKey, PrevKv: true),
        new("\0", Keys.NoEnd, PrevKv: true),
        new("a", Keys.NoEnd, NoDeletes: true),
    ];

    [Fact]
    public async Task A_watch_goes_on_at_another_node_where_it_broke()
    {
        using KvNodes nodes = await KvNodes.StartAsync();
        var load = new WatchedLoad(nodes.Endpoints[0]);
        await load.WriteAsync(seed: 1, writes: 20);
        WatchDemand[] demands = [.. Demands.Select(static demand => demand with { StartRevision = 2 })];
        for (int round = 1; round <= Rounds; round++)
        {
            EtcdEndpoint node = nodes.Endpoints[round % 3];
            WatchRecorder[] watches = await StartAllAsync(node, demands);

            await Task.WhenAll(load.WriteAsync(10 * round, 60), load.WriteAsync((10 * round) + 1, 60));

            demands = await EndAsync(load, watches);
        }
    }

    [Fact]
    public async Task A_watch_goes_on_where_it_was_when_its_node_was_killed()
    {
        using KvNodes nodes = await KvNodes.StartAsync();
        var load = new WatchedLoad(nodes.Endpoints[0]);
        WatchDemand[] demands = [.. Demands.Select(static demand => demand with { StartRevision = 2 })];
        for (int round = 1; round <= 2; round++)
        {
            WatchRecorder[] watches = await StartAllAsync(nodes.Endpoints[round], demands);
            await load.WriteAsync(10 * round, 60);
            demands = await EndAsync(load, watches);

            await nodes.RestartAsync();
        }
        await CheckAsync(load, await StartAllAsync(nodes.Endpoints[0], [.. Demands.Select(
            static demand => demand with { StartRevision = 2 })]));
    }

    [Fact]
    public async Task A_client_that_does_not_read_holds_nobody_up_and_gets_everything_later()
    {
        const int Writes = 120;
        using KvNodes nodes = await KvNodes.StartAsync();
        using var slow = new WatchClient(nodes.Endpoints[0]);
        using var quick = new WatchClient(nodes.Endpoints[0]);
        await slow.CreateAsync(new WatchCreateRequest { Key = Keys.Of("a") });
        await quick.CreateAsync(new WatchCreateRequest { Key = Keys.Of("a") });
        string large = new('x', 500_000);

        for (int i = 0; i < Writes; i++)
        {
            await nodes.Endpoints[0].Kv.PutAsync(
                new PutRequest { Key = Keys.Of("a"), Value = Keys.Of(large) });
            Assert.Equal(i + 1, (await quick.NextAsync()).Events.Single().Kv.Version);
        }

        List<long> versions = [];
        while (versions.Count < Writes)
        {
            versions.AddRange((await slow.NextAsync()).Events.Select(static e => e.Kv.Version));
        }
        Assert.Equal(Enumerable.Range(1, Writes).Select(static version => (long)version), versions);
    }

    [Fact]
    public async Task Progress_is_told_from_time_to_time_to_who_wants_it()
    {
        using KvNodes nodes = await KvNodes.StartAsync(("KV_WATCH_PROGRESS_MS", "200"));
        using var client = new WatchClient(nodes.Endpoints[1]);
        await client.CreateAsync(new WatchCreateRequest { Key = Keys.Of("a") });
        await client.CreateAsync(new WatchCreateRequest { Key = Keys.Of("b"), ProgressNotify = true });
        PutResponse put = await nodes.Endpoints[0].Kv.PutAsync(
            new PutRequest { Key = Keys.Of("c"), Value = Keys.Of("1") });

        WatchResponse told;
        do
        {
            told = await client.NextAsync();
            Assert.Equal((1, 0), (told.WatchId, told.Events.Count));
        }
        while (told.Header.Revision < put.Header.Revision);

        Assert.Equal(put.Header.Revision, told.Header.Revision);
    }

    private static async Task<WatchRecorder[]> StartAllAsync(EtcdEndpoint node, WatchDemand[] demands) =>
        await Task.WhenAll(demands.Select(demand => WatchRecorder.StartAsync(node, demand)));

    private static async Task<WatchDemand[]> EndAsync(WatchedLoad load, WatchRecorder[] watches)
    {
        await CheckAsync(load, watches);
        return
        [
            .. watches.Select(static watch => watch.Record.Demand with
            {
                StartRevision = watch.Record.Last + 1,
            }),
        ];
    }

    private static async Task CheckAsync(WatchedLoad load, WatchRecorder[] watches)
    {
        long put = await load.PutAsync(LastKey, "last");
        long deletion = await load.DeleteAsync(LastKey, "");
        foreach (WatchRecorder watch in watches)
        {
            await watch.ReachesAsync(watch.Record.Demand.NoDeletes ? put : deletion);
            await watch.ProgressAsync();
            await watch.DisposeAsync();
            Assert.Empty(WatchValidator.Check(load.History, watch.Record, through: deletion));
        }
    }
}
