using Kv.Host.Tests.Hosting;

namespace Kv.Host.Tests.Wire;

public sealed class PrintTests(EmbeddedCluster cluster) : WireTest(cluster)
{
    [Fact]
    public async Task A_print_is_answered_with_keys_and_values()
    {
        await SetAsync("a", "[1,  2]");

        WireAnswer printed = await CallAsync("Print", new { prefix = Prefix });

        Assert.Equal(
            ["status", "message", "node", "snapshot", "more", "order", "revision", "cluster"],
            printed.Fields);
        Assert.Equal($$"""{"{{Prefix}}a":[1,  2]}""", printed["snapshot"].GetRawText());
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("")]
    public async Task A_print_with_an_empty_request_is_of_all_keys(string request)
    {
        await SetAsync("a", "1");

        WireAnswer printed = await CallAsync("Print", request);

        Assert.Contains(Prefix + "a", printed.Keys);
    }

    [Fact]
    public async Task Keys_are_printed_in_the_order_of_their_bytes()
    {
        string[] names = ["Z", "a", "aa", "b", "é", "\uffee", "😀"];
        foreach (string name in names.Reverse())
        {
            await SetAsync(name, "1");
        }

        WireAnswer printed = await CallAsync("Print", new { prefix = Prefix });

        Assert.Equal(names.Select(name => Prefix + name), printed.Keys);
    }

    [Theory]
    [InlineData("", "", 0, "a b ba bb c", false)]
    [InlineData("b", "", 0, "b ba bb", false)]
    [InlineData("", "b", 0, "ba bb c", false)]
    [InlineData("b", "b", 1, "ba", true)]
    [InlineData("b", "a", 0, "b ba bb", false)]
    [InlineData("b", "c", 0, "", false)]
    [InlineData("", "bz", 0, "c", false)]
    [InlineData("", "", 2, "a b", true)]
    [InlineData("", "", 5, "a b ba bb c", false)]
    [InlineData("z", "", 3, "", false)]
    public async Task Prefix_after_and_limit_choose_a_page(
        string prefix, string after, int limit, string names, bool more)
    {
        foreach (string name in (string[])["a", "b", "ba", "bb", "c"])
        {
            await SetAsync(name, "1");
        }

        after = after.Length == 0 ? "" : Prefix + after;

        WireAnswer printed = await CallAsync("Print", new { prefix = Prefix + prefix, after, limit });

        string[] expected = names.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(expected.Select(name => Prefix + name), printed.Keys);
        Assert.Equal(more, printed["more"].GetBoolean());
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("\"1\"")]
    [InlineData("99999999999999999999")]
    [InlineData("true")]
    public async Task A_limit_that_is_no_count_is_refused(string limit)
    {
        WireAnswer refused = await CallAsync("Print", $$"""{"limit":{{limit}}}""");

        Assert.Equal("INVALID_ARGUMENT", refused.Code);
        Assert.Equal(
            $"Field \"limit\" is {limit}; it must be a whole number of at least 0.", refused.Details);
    }

    [Fact]
    public async Task A_linearizable_print_takes_an_order()
    {
        WireAnswer set = await SetAsync("a", "1");

        WireAnswer printed = await CallAsync("Print", new { prefix = Prefix, consistency = "linearizable" });

        Assert.Equal(set.Number("order") + 1, printed.Number("order"));
    }

    [Fact]
    public async Task A_local_print_takes_no_order()
    {
        WireAnswer set = await SetAsync("a", "1");

        WireAnswer printed = await CallAsync("Print", new { prefix = Prefix, consistency = "local" });

        Assert.Equal(set.Number("order"), printed.Number("order"));
    }
}
