using Kv.Host.Tests.Hosting;

namespace Kv.Host.Tests.Wire;

public sealed class DelTests(EmbeddedCluster cluster) : WireTest(cluster)
{
    [Fact]
    public async Task A_del_is_answered_with_the_number_of_keys_deleted()
    {
        WireAnswer set = await SetAsync("a", "1");

        WireAnswer deleted = await CallAsync("Del", new { key = Prefix + "a" });

        Assert.Equal(["status", "message", "node", "order", "revision", "deleted", "ack"], deleted.Fields);
        Assert.Equal(
            ("ok", "deleted", 1, set.Number("order") + 1, set.Number("revision") + 1),
            (deleted.Text("status"), deleted.Text("message"), deleted.Number("deleted"),
                deleted.Number("order"), deleted.Number("revision")));
    }

    [Fact]
    public async Task A_deleted_key_is_gone_on_every_node()
    {
        await SetAsync("a", "1");

        await CallAsync("Del", new { key = Prefix + "a" });

        WireAnswer got = await GetAsync("a", node: 3);
        Assert.False(got["found"].GetBoolean());
    }

    [Fact]
    public async Task A_del_of_no_key_takes_an_order_and_no_revision()
    {
        WireAnswer set = await SetAsync("a", "1");

        WireAnswer deleted = await CallAsync("Del", new { key = Prefix + "missing" });

        Assert.Equal(
            ("no such key", 0, set.Number("order") + 1, set.Number("revision")),
            (deleted.Text("message"), deleted.Number("deleted"),
                deleted.Number("order"), deleted.Number("revision")));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"key":""}""")]
    public async Task A_del_without_a_key_is_an_error_in_the_reply(string request)
    {
        WireAnswer refused = await CallAsync("Del", request);

        Assert.Equal(
            ("error", "The key is missing or empty."), (refused.Text("status"), refused.Text("message")));
    }
}
