using Kv.Host.Tests.Hosting;

namespace Kv.Host.Tests.Wire;

public sealed class GetTests(EmbeddedCluster cluster) : WireTest(cluster)
{
    [Fact]
    public async Task A_get_is_answered_with_the_value_and_whether_there_is_one()
    {
        await SetAsync("a", """{"b":[1]}""");

        WireAnswer got = await GetAsync("a");

        Assert.Equal(
            ["status", "message", "node", "local_value", "found", "order", "revision"], got.Fields);
        Assert.Equal(
            ("found", """{"b":[1]}""", true),
            (got.Text("message"), got.Text("local_value"), got["found"].GetBoolean()));
    }

    [Fact]
    public async Task A_get_of_no_key_is_answered_with_null()
    {
        WireAnswer got = await GetAsync("missing");

        Assert.Equal(
            ("ok", "no such key", "null", false),
            (got.Text("status"), got.Text("message"), got.Text("local_value"), got["found"].GetBoolean()));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"key":""}""")]
    [InlineData("""{"key":null}""")]
    public async Task A_get_without_a_key_is_an_error_in_the_reply(string request)
    {
        WireAnswer refused = await CallAsync("Get", request);

        Assert.Equal(
            ("error", "The key is missing or empty."), (refused.Text("status"), refused.Text("message")));
    }

    [Theory]
    [InlineData("linearizable")]
    [InlineData(null)]
    public async Task A_linearizable_get_takes_an_order_and_no_revision(string? consistency)
    {
        WireAnswer set = await SetAsync("a", "1");

        WireAnswer got = await CallAsync("Get", new { key = Prefix + "a", consistency });

        Assert.Equal(
            (set.Number("order") + 1, set.Number("revision")), (got.Number("order"), got.Number("revision")));
    }

    [Theory]
    [InlineData("local")]
    [InlineData("barrier")]
    public async Task A_get_from_the_nodes_state_takes_no_order(string consistency)
    {
        WireAnswer set = await SetAsync("a", "1");

        WireAnswer got = await CallAsync("Get", new { key = Prefix + "a", consistency });

        Assert.Equal(("1", set.Number("order")), (got.Text("local_value"), got.Number("order")));
    }

    [Theory]
    [InlineData("Get", "serializable")]
    [InlineData("Get", "")]
    [InlineData("Print", "Local")]
    public async Task Another_consistency_is_refused_with_those_there_are(string method, string consistency)
    {
        WireAnswer refused = await CallAsync(method, new { key = Prefix + "a", consistency });

        Assert.Equal("INVALID_ARGUMENT", refused.Code);
        Assert.Equal(
            $"Field \"consistency\" is \"{consistency}\"; it must be \"linearizable\", \"barrier\" or "
                + "\"local\".",
            refused.Details);
    }

    [Fact]
    public async Task A_value_that_grows_beyond_a_message_by_escaping_is_refused_by_the_limits_name()
    {
        await SetAsync("a", $"\"{new string('\u007f', 1_500_000)}\"");

        WireAnswer refused = await CallAsync("Get", new { key = Prefix + "a" });

        Assert.Equal("RESOURCE_EXHAUSTED", refused.Code);
        Assert.StartsWith("The value, written as a JSON string", refused.Details, StringComparison.Ordinal);
    }
}
