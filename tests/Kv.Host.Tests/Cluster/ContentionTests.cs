using Kv.Host.Tests.Amqp;
using Kv.Host.Tests.Hosting;
using Kv.Protos.V1;

namespace Kv.Host.Tests.Cluster;

/// <summary>
/// Clients of three nodes write the same keys at once, with and without a node that is killed meanwhile.
/// The number of rounds is KV_CONTENTION_ROUNDS (default 3).
/// </summary>
[Collection(SharedBroker.Name)]
public sealed class ContentionTests(RabbitMqBroker broker)
{
    private const int Keys = 1_000;

    private static readonly int Rounds =
        int.Parse(Environment.GetEnvironmentVariable("KV_CONTENTION_ROUNDS") ?? "3");

    [Theory]
    [InlineData("stream")]
    [InlineData("queue")]
    public async Task Writers_of_the_same_keys_on_three_nodes_leave_no_key_different(string mode)
    {
        await using Cluster cluster = await Cluster.StartAsync(broker, mode);
        for (int round = 0; round < Rounds; round++)
        {
            await cluster.WriteContendedAsync(Keys, $"{round}");

            IReadOnlyDictionary<string, string> state = await cluster.EqualStateAsync();

            Assert.Equal(Keys, state.Count);
            Assert.All(state.Values, value => Assert.StartsWith($"\"{round}-", value));
        }
    }

    [Theory]
    [InlineData("stream", false)]
    [InlineData("stream", true)]
    [InlineData("queue", false)]
    [InlineData("queue", true)]
    public async Task A_node_killed_under_load_ends_equal_also_with_an_empty_data_directory(
        string mode, bool emptied)
    {
        await using Cluster cluster = await Cluster.StartAsync(broker, mode);
        await cluster.WriteContendedAsync(Keys, "before");
        HostProcess victim = cluster.Nodes[1];

        Task writing = cluster.WriteContendedAsync(Keys, "meanwhile");
        victim.Kill9();
        if (emptied)
        {
            Directory.Delete(victim.DataDirectory, recursive: true);
        }
        await victim.RestartAsync();
        await writing;

        IReadOnlyDictionary<string, string> state = await cluster.EqualStateAsync();
        Assert.Equal(Keys, state.Count);
        Assert.All(state.Values, static value => Assert.StartsWith("\"meanwhile-", value));
    }

    [Fact]
    public async Task In_stream_mode_all_nodes_have_one_digest_order_and_revision()
    {
        await using Cluster cluster = await Cluster.StartAsync(broker, "stream");
        await cluster.WriteContendedAsync(Keys, "x");
        await cluster.EqualStateAsync();

        StatusReply[] statuses = await Task.WhenAll(cluster.Nodes.Select(static node => node.StatusAsync()));

        Assert.Single(
            statuses.Select(static s => (s.Digest, s.AppliedOffset, s.Order, s.Revision)).Distinct());
        Assert.Equal(3 * Keys, statuses[0].Order);
    }
}
