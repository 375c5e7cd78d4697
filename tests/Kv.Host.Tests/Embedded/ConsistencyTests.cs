using Kv.Host.Tests.Hosting;
using Kv.Protos.V1;

namespace Kv.Host.Tests.Embedded;

[Collection(EmbeddedClusterCollection.Name)]
public sealed class ConsistencyTests(EmbeddedCluster cluster)
{
    [Fact]
    public async Task A_write_through_one_node_is_read_through_another_at_once()
    {
        List<string> read = [];
        List<string> written = [.. Enumerable.Range(0, 100).Select(static i => $"{i}")];

        foreach (string value in written)
        {
            await cluster.Host.Kv(1).SetAsync(new SetRequest { Key = "at-once", ValueJson = value });
            GetReply got = await cluster.Host.Kv(3).GetAsync(new GetRequest { Key = "at-once" });
            read.Add(got.ValueJson);
        }

        Assert.Equal(written, read);
    }

    [Fact]
    public async Task Reads_that_share_a_barrier_see_what_was_written_through_another_node()
    {
        List<string> stale = [];

        for (int i = 0; i < 50; i++)
        {
            await cluster.Host.Kv(1).SetAsync(new SetRequest { Key = "barrier", ValueJson = $"{i}" });
            var request = new GetRequest { Key = "barrier", Consistency = Consistency.Barrier };
            GetReply[] got = await Task.WhenAll(Enumerable.Range(0, 20)
                .Select(_ => cluster.Host.Kv(3).GetAsync(request).ResponseAsync));
            stale.AddRange(got.Select(static reply => reply.ValueJson).Where(value => value != $"{i}"));
        }

        Assert.Empty(stale);
    }

    [Fact]
    public async Task Concurrent_writers_leave_all_nodes_with_the_same_order_and_digest()
    {
        WriteLoad load = await WriteLoad.StartAsync(cluster.Host, nodes: 3, acknowledged: 500);
        await load.EndAsync();

        StatusReply[] statuses = await SettledAsync();

        Assert.Single(
            statuses.Select(static node => (node.Order, node.Revision, node.Keys, node.Digest)).Distinct());
    }

    [Fact]
    public async Task Concurrent_writes_have_an_order_each_and_no_order_is_left_out()
    {
        StatusReply before = (await SettledAsync())[0];

        WriteLoad load = await WriteLoad.StartAsync(cluster.Host, nodes: 3, acknowledged: 500);
        await load.EndAsync();

        IEnumerable<long> orders = load.Acknowledged.Values.Select(static reply => reply.Order).Order();
        Assert.Equal(Enumerable.Range(1, load.Acknowledged.Count).Select(i => before.Order + i), orders);
    }

    [Fact]
    public async Task All_nodes_are_members_of_one_cluster()
    {
        StatusReply[] statuses = await SettledAsync();

        Assert.Single(statuses.Select(static status => status.ClusterId).Distinct());
    }

    /// <summary>The status of every node when all have applied the same entries.</summary>
    private Task<StatusReply[]> SettledAsync() =>
        Eventually.GetAsync("all nodes are at one offset", async () =>
        {
            StatusReply[] statuses = await Task.WhenAll(
                Enumerable.Range(1, 3).Select(cluster.Host.StatusAsync));
            return statuses.DistinctBy(static status => status.AppliedOffset).Count() == 1 ? statuses : null;
        });
}
