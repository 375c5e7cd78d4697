using System.Text;
using Kv.Host.Tests.Hosting;

namespace Kv.Host.Tests.Wire;

public sealed class SetTests(EmbeddedCluster cluster) : WireTest(cluster)
{
    [Fact]
    public async Task A_set_is_answered_with_status_message_node_order_and_revision()
    {
        WireAnswer set = await CallAsync("Set", new { key = Prefix + "a", value = 1 });

        Assert.Equal(["status", "message", "node", "order", "revision", "ack"], set.Fields);
        Assert.Equal(("ok", "stored", "node-1"), (set.Text("status"), set.Text("message"), set.Text("node")));
    }

    [Fact]
    public async Task Each_set_takes_the_next_order_and_revision()
    {
        WireAnswer first = await SetAsync("a", "1");

        WireAnswer second = await SetAsync("a", "1", node: 2);

        Assert.Equal(
            (first.Number("order") + 1, first.Number("revision") + 1),
            (second.Number("order"), second.Number("revision")));
    }

    [Theory]
    [InlineData("""{"value":1}""")]
    [InlineData("""{"key":"","value":1}""")]
    [InlineData("""{"key":null,"value":1}""")]
    [InlineData("{}")]
    [InlineData("")]
    public async Task A_set_without_a_key_is_an_error_in_the_reply(string request)
    {
        WireAnswer refused = await CallAsync("Set", request);

        Assert.Equal(["status", "message", "node"], refused.Fields);
        Assert.Equal(
            ("error", "The key is missing or empty.", "node-1"),
            (refused.Text("status"), refused.Text("message"), refused.Text("node")));
    }

    [Fact]
    public async Task A_set_without_a_value_is_an_error_in_the_reply()
    {
        WireAnswer refused = await CallAsync("Set", new { key = Prefix + "a" });

        Assert.Equal(("error", "The value is missing."), (refused.Text("status"), refused.Text("message")));
    }

    [Fact]
    public async Task A_set_in_error_takes_no_order()
    {
        WireAnswer before = await SetAsync("a", "1");

        await CallAsync("Set", new { key = Prefix + "a" });

        WireAnswer after = await SetAsync("a", "1");
        Assert.Equal(before.Number("order") + 1, after.Number("order"));
    }

    [Fact]
    public async Task Null_is_a_value()
    {
        await SetAsync("a", "null");

        WireAnswer got = await GetAsync("a");

        Assert.Equal(("null", true), (got.Text("local_value"), got["found"].GetBoolean()));
    }

    [Fact]
    public async Task Fields_that_a_set_does_not_know_are_ignored()
    {
        WireAnswer set = await CallAsync("Set", new { ttl = 5, key = Prefix + "a", value = 1 });

        Assert.Equal("ok", set.Text("status"));
    }

    [Theory]
    [InlineData("12345678901234567890123456789.000000000000000000001")]
    [InlineData("1E+400")]
    [InlineData("-0")]
    [InlineData("1.0")]
    [InlineData("true")]
    [InlineData("\"\"")]
    [InlineData("""
        "text with \"quotes\", \u00e9, é, 😀, \ud83d\ude00, \/ and \n"
        """)]
    [InlineData("""
        "half a pair: \ud800"
        """)]
    [InlineData("[1,  2 ,\t[ ] ]")]
    [InlineData("{ \"b\" : [ true , null , { } ] ,\n  \"a\" : 1 , \"a\" : 2 }")]
    public async Task A_value_is_kept_exactly_as_it_was_sent(string valueJson)
    {
        await SetAsync("a", valueJson);

        WireAnswer got = await GetAsync("a");

        Assert.Equal(valueJson, got.Text("local_value"));
    }

    [Fact]
    public async Task White_space_around_a_value_is_not_part_of_it()
    {
        await SetAsync("a", " \t\r\n 1 \n");

        WireAnswer got = await GetAsync("a");

        Assert.Equal("1", got.Text("local_value"));
    }

    [Theory]
    [InlineData("ключ")]
    [InlineData("鍵 with space")]
    [InlineData("😀")]
    [InlineData("a/b?c=d&e#f%20")]
    [InlineData("\"quoted\\\"")]
    [InlineData("\0")]
    [InlineData("\u007f\u0085\ue000")]
    public async Task A_key_is_any_text(string name)
    {
        await SetAsync(name, "1");

        WireAnswer printed = await CallAsync("Print", new { prefix = Prefix });

        Assert.Equal([Prefix + name], printed.Keys);
    }

    [Fact]
    public async Task An_escaped_key_is_the_same_as_a_plain_one()
    {
        await CallAsync("Set", $$"""{"key":"{{Prefix}}\u00e9","value":"escaped"}""");

        WireAnswer got = await CallAsync("Get", $$"""{"key":"{{Prefix}}é"}""");

        Assert.Equal("\"escaped\"", got.Text("local_value"));
    }

    [Fact]
    public async Task A_key_and_value_of_a_million_and_a_half_bytes_fit()
    {
        int keyAndQuotesBytes = Encoding.UTF8.GetByteCount(Prefix + "a") + 2;
        await SetAsync("a", $"\"{new string('v', 1_572_864 - keyAndQuotesBytes)}\"");

        WireAnswer got = await GetAsync("a");

        Assert.True(got["found"].GetBoolean());
    }

    [Theory]
    [InlineData(1_572_864)]
    [InlineData(2 * 1_048_576)]
    public async Task A_key_and_value_above_the_limit_are_refused_by_its_name(int valueBytes)
    {
        WireAnswer refused = await CallAsync(
            "Set", new { key = Prefix + "a", value = new string('v', valueBytes) });

        Assert.Equal("RESOURCE_EXHAUSTED", refused.Code);
        Assert.Contains("1572864 bytes", refused.Details, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Set")]
    [InlineData("Get")]
    [InlineData("Del")]
    public async Task A_command_above_the_limit_does_not_get_into_the_log(string method)
    {
        long before = (await Cluster.Host.StatusAsync()).AppliedOffset;

        WireAnswer refused = await CallAsync(method, new { key = new string('k', 2 * 1_048_576), value = 1 });

        Assert.Equal("RESOURCE_EXHAUSTED", refused.Code);
        Assert.Equal(before, (await Cluster.Host.StatusAsync()).AppliedOffset);
    }

    [Fact]
    public async Task A_message_above_the_limit_is_refused()
    {
        WireAnswer refused = await CallAsync(
            "Set", new { key = Prefix + "a", value = new string('v', 4 * 1_048_576) });

        Assert.Equal("RESOURCE_EXHAUSTED", refused.Code);
    }
}
