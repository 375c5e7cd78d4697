using Kv.Host.Tests.Hosting;

namespace Kv.Host.Tests.Wire;

public sealed class RequestIdTests(EmbeddedCluster cluster) : WireTest(cluster)
{
    private readonly string _id = Guid.NewGuid().ToString();

    [Fact]
    public async Task A_set_repeated_through_another_node_is_answered_as_the_first_one()
    {
        WireAnswer first = await CallAsync("Set", new { key = Prefix + "a", value = 1, request_id = _id });

        WireAnswer second = await CallAsync(
            "Set", new { key = Prefix + "a", value = 1, request_id = _id }, node: 2);

        Assert.Equal(
            ("node-2", first.Number("order"), first.Number("revision")),
            (second.Text("node"), second.Number("order"), second.Number("revision")));
    }

    [Fact]
    public async Task A_set_repeated_after_another_write_does_not_undo_that_write()
    {
        await CallAsync("Set", new { key = Prefix + "a", value = "first", request_id = _id });
        await SetAsync("a", "\"second\"", node: 3);

        await CallAsync("Set", new { key = Prefix + "a", value = "first", request_id = _id }, node: 2);

        WireAnswer got = await GetAsync("a");
        Assert.Equal("\"second\"", got.Text("local_value"));
    }

    [Fact]
    public async Task A_repeated_set_takes_no_order()
    {
        WireAnswer first = await CallAsync("Set", new { key = Prefix + "a", value = 1, request_id = _id });

        await CallAsync("Set", new { key = Prefix + "a", value = 1, request_id = _id }, node: 2);

        WireAnswer next = await SetAsync("b", "1");
        Assert.Equal(first.Number("order") + 1, next.Number("order"));
    }

    [Fact]
    public async Task A_del_repeated_through_another_node_is_answered_as_the_first_one()
    {
        await SetAsync("a", "1");
        WireAnswer first = await CallAsync("Del", new { key = Prefix + "a", request_id = _id });

        WireAnswer second = await CallAsync("Del", new { key = Prefix + "a", request_id = _id }, node: 2);

        Assert.Equal(
            (1, first.Number("order"), first.Number("revision")),
            (second.Number("deleted"), second.Number("order"), second.Number("revision")));
    }

    [Theory]
    [InlineData("Set", "b", 1)]
    [InlineData("Set", "a", 2)]
    [InlineData("Del", "a", 1)]
    public async Task A_request_id_used_again_for_another_command_is_refused(
        string method, string name, int value)
    {
        await CallAsync("Set", new { key = Prefix + "a", value = 1, request_id = _id });

        WireAnswer refused = await CallAsync(
            method, new { key = Prefix + name, value, request_id = _id }, node: 2);

        Assert.Equal("INVALID_ARGUMENT", refused.Code);
        Assert.Equal("The request id was used before for another command.", refused.Details);
    }

    [Fact]
    public async Task A_request_id_says_the_same_with_and_without_its_revision_and_dashes()
    {
        string plain = _id.Replace("-", "", StringComparison.Ordinal);
        WireAnswer first = await CallAsync("Set", new { key = Prefix + "a", value = 1, request_id = plain });

        WireAnswer second = await CallAsync(
            "Set", new { key = Prefix + "a", value = 1, request_id = $"1-{_id}" });

        Assert.Equal(first.Number("order"), second.Number("order"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("7")]
    [InlineData("not-a-uuid")]
    [InlineData("-1-0123456789abcdef0123456789abcdef")]
    [InlineData("0123456789abcdef0123456789abcdefff")]
    [InlineData("0123456789abcdefg123456789abcdef")]
    public async Task A_request_id_of_another_form_is_refused(string id)
    {
        WireAnswer refused = await CallAsync("Set", new { key = Prefix + "a", value = 1, request_id = id });

        Assert.Equal("INVALID_ARGUMENT", refused.Code);
        Assert.StartsWith($"Field \"request_id\" is \"{id}\"", refused.Details, StringComparison.Ordinal);
    }
}
