using System.Text;
using Kv.Host.Tests.Hosting;

namespace Kv.Host.Tests.Wire;

public sealed class MalformedRequestTests(EmbeddedCluster cluster) : WireTest(cluster)
{
    [Theory]
    [InlineData("Set", "{")]
    [InlineData("Get", """{"key":"a"}x""")]
    [InlineData("Del", """{"key":"a",}""")]
    [InlineData("Print", """{'limit':1}""")]
    [InlineData("Get", "\uFEFF{}")]
    [InlineData("Set", """{"key":"a","value":01}""")]
    [InlineData("Set", """{"key":"a","value":NaN}""")]
    public async Task A_request_that_is_not_JSON_is_refused(string method, string request)
    {
        WireAnswer refused = await CallAsync(method, request);

        Assert.Equal("INVALID_ARGUMENT", refused.Code);
        Assert.StartsWith("The request is not JSON:", refused.Details, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[]", "Array")]
    [InlineData("\"key\"", "String")]
    [InlineData("null", "Null")]
    public async Task A_request_that_is_no_object_is_refused_by_its_kind(string request, string kind)
    {
        WireAnswer refused = await CallAsync("Get", request);

        Assert.Equal("INVALID_ARGUMENT", refused.Code);
        Assert.Equal($"The request is a JSON {kind}; it must be an object.", refused.Details);
    }

    [Theory]
    [InlineData("Set", "key", "1")]
    [InlineData("Get", "key", "[]")]
    [InlineData("Del", "key", "{}")]
    [InlineData("Print", "prefix", "1")]
    [InlineData("Print", "after", "true")]
    [InlineData("Print", "consistency", "1")]
    public async Task A_field_of_the_wrong_type_is_refused_by_its_name(
        string method, string field, string value)
    {
        WireAnswer refused = await CallAsync(method, $$"""{"{{field}}":{{value}},"value":1}""");

        Assert.Equal("INVALID_ARGUMENT", refused.Code);
        Assert.StartsWith($"Field \"{field}\" is a JSON", refused.Details, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_id_of_the_wrong_type_is_refused_by_its_name()
    {
        WireAnswer refused = await CallAsync("Set", new { key = Prefix + "a", value = 1, request_id = 1 });

        Assert.Equal("INVALID_ARGUMENT", refused.Code);
        Assert.StartsWith("Field \"request_id\" is a JSON Number", refused.Details, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_that_is_not_UTF_8_is_refused()
    {
        byte[] latin1 = Encoding.Latin1.GetBytes("""{"key":"é","value":1}""");

        WireAnswer refused = await Cluster.Wire().CallAsync("Set", latin1);

        Assert.Equal("INVALID_ARGUMENT", refused.Code);
        Assert.Equal("The request is not UTF-8.", refused.Details);
    }

    [Fact]
    public async Task Half_a_surrogate_pair_is_no_key()
    {
        WireAnswer refused = await CallAsync("Set", """{"key":"\ud800","value":1}""");

        Assert.Equal("INVALID_ARGUMENT", refused.Code);
        Assert.StartsWith("Field \"key\" is no Unicode text", refused.Details, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"key":"a","\ud800":1}""")]
    [InlineData("""{"key":"a","ke\udc00":1}""")]
    public async Task Half_a_surrogate_pair_is_no_field(string request)
    {
        WireAnswer refused = await CallAsync("Get", request);

        Assert.Equal("INVALID_ARGUMENT", refused.Code);
        Assert.StartsWith("A field's name is no Unicode text", refused.Details, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_value_of_the_deepest_nesting_is_kept()
    {
        string deep = Nested(512);
        await SetAsync("a", deep);

        WireAnswer got = await GetAsync("a");

        Assert.Equal(deep, got.Text("local_value"));
    }

    [Theory]
    [InlineData(513)]
    [InlineData(100_000)]
    public async Task A_deeper_value_is_refused(int depth)
    {
        WireAnswer refused = await CallAsync("Set", $$"""{"key":"{{Prefix}}a","value":{{Nested(depth)}}}""");

        Assert.Equal("INVALID_ARGUMENT", refused.Code);
        Assert.StartsWith("The request is not JSON: The maximum", refused.Details, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Put")]
    public async Task A_method_there_is_not_is_unimplemented(string method)
    {
        WireAnswer refused = await CallAsync(method, "{}");

        Assert.Equal("UNIMPLEMENTED", refused.Code);
    }

    private static string Nested(int depth) => new string('[', depth) + new string(']', depth);
}
