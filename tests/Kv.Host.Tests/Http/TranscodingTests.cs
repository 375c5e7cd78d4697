using System.Net;
using System.Text.Json;
using Kv.Host.Tests.Hosting;
using Kv.Protos.V1;

namespace Kv.Host.Tests.Http;

public sealed class TranscodingTests(EmbeddedCluster cluster) : HttpTest(cluster)
{
    [Fact]
    public async Task A_put_sets_a_key()
    {
        HttpAnswer put = await PutAsync(Prefix + "a", new { valueJson = "{\"b\":  1}" });

        HttpAnswer got = await GetAsync($"/v1/keys/{Prefix}a", node: 3);

        Assert.Equal((HttpStatusCode.OK, "node-1"), (put.Status, put.Text("node")));
        Assert.Equal(
            ("node-3", "True", "{\"b\":  1}"), (got.Text("node"), got.Text("found"), got.Text("valueJson")));
    }

    [Fact]
    public async Task A_get_of_no_key_is_found_false_and_no_404()
    {
        HttpAnswer got = await GetAsync($"/v1/keys/{Prefix}missing");

        Assert.Equal((HttpStatusCode.OK, "False"), (got.Status, got.Text("found")));
    }

    [Fact]
    public async Task A_get_can_be_local()
    {
        HttpAnswer put = await PutAsync(Prefix + "a", new { valueJson = "1" });

        HttpAnswer got = await GetAsync($"/v1/keys/{Prefix}a?consistency=LOCAL");

        Assert.Equal(put.Text("order"), got.Text("order"));
    }

    [Fact]
    public async Task A_delete_deletes_a_key()
    {
        await PutAsync(Prefix + "a", new { valueJson = "1" });

        HttpAnswer deleted = await SendAsync(HttpMethod.Delete, $"/v1/keys/{Prefix}a");

        Assert.Equal((HttpStatusCode.OK, "1"), (deleted.Status, deleted.Text("deleted")));
    }

    [Fact]
    public async Task Keys_are_listed_in_pages()
    {
        foreach (string name in (string[])["a", "b", "c", "d"])
        {
            await PutAsync(Prefix + name, new { valueJson = "1" });
        }

        HttpAnswer page = await GetAsync($"/v1/keys?prefix={Prefix}&after={Prefix}a&limit=2");

        Assert.Equal(
            [Prefix + "b", Prefix + "c"],
            page.Json.GetProperty("entries").EnumerateArray()
                .Select(static entry => entry.GetProperty("key").GetString()));
        Assert.Equal("True", page.Text("more"));
    }

    [Fact]
    public async Task Status_is_of_the_node_whose_port_was_asked()
    {
        HttpAnswer status = await GetAsync("/v1/status", node: 2);

        Assert.Equal(("node-2", "ready"), (status.Text("node"), status.Text("state")));
    }

    [Theory]
    [InlineData("a/b/c", "a/b/c")]
    [InlineData("a%20b", "a b")]
    [InlineData("%D0%BA%D0%BB%D1%8E%D1%87", "ключ")]
    [InlineData("a%3Fb%23c", "a?b#c")]
    [InlineData("a+b", "a+b")]
    [InlineData("100%25", "100%")]
    [InlineData("%2525", "%25")]
    [InlineData("a//b", "a//b")]
    [InlineData("a/", "a/")]
    public async Task A_key_in_the_path_is_its_text_percent_encoded(string path, string name)
    {
        await PutAsync(Prefix + path, new { valueJson = "1" });

        PrintReply printed = await Cluster.Host.Kv().PrintAsync(new PrintRequest { Prefix = Prefix });

        Assert.Equal([Prefix + name], printed.Entries.Select(static entry => entry.Key));
    }

    [Fact]
    public async Task An_encoded_slash_stays_encoded_as_google_api_http_has_it()
    {
        await PutAsync(Prefix + "a%2Fb", new { valueJson = "1" });

        PrintReply printed = await Cluster.Host.Kv().PrintAsync(new PrintRequest { Prefix = Prefix });

        Assert.Equal([Prefix + "a%2Fb"], printed.Entries.Select(static entry => entry.Key));
    }

    [Theory]
    [InlineData("""{"valueJson":"hello"}""", "value_json is not JSON")]
    [InlineData("{}", "value_json is not JSON")]
    [InlineData("""{"valueJson":"1"}x""", "")]
    [InlineData("""{"valueJson":{}}""", "")]
    [InlineData("[]", "")]
    [InlineData("", "")]
    public async Task A_body_that_is_no_set_is_a_bad_request(string body, string message)
    {
        HttpAnswer refused = await PutAsync(Prefix + "a", body);

        Assert.Equal((HttpStatusCode.BadRequest, "3"), (refused.Status, refused.Text("code")));
        Assert.Contains(message, refused.Text("message"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/v1/keys?limit=-1")]
    [InlineData("/v1/keys?limit=x")]
    [InlineData("/v1/keys?consistency=NEVER")]
    [InlineData("/v1/keys/a?consistency=7")]
    public async Task A_query_with_a_wrong_value_is_a_bad_request(string path)
    {
        HttpAnswer refused = await GetAsync(path);

        Assert.Equal(HttpStatusCode.BadRequest, refused.Status);
    }

    [Fact]
    public async Task A_value_above_the_limit_is_told_with_its_reason()
    {
        HttpAnswer refused = await PutAsync(
            Prefix + "a", new { valueJson = JsonSerializer.Serialize(new string('v', 2 * 1_048_576)) });

        Assert.Equal((HttpStatusCode.TooManyRequests, "8"), (refused.Status, refused.Text("code")));
        Assert.Contains("1572864 bytes", refused.Text("message"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_above_the_message_limit_is_refused()
    {
        HttpAnswer refused = await PutAsync(
            Prefix + "a", new { valueJson = JsonSerializer.Serialize(new string('v', 5 * 1_048_576)) });

        Assert.Equal((HttpStatusCode.TooManyRequests, "8"), (refused.Status, refused.Text("code")));
    }

    [Fact]
    public async Task A_path_there_is_not_is_not_found()
    {
        HttpAnswer refused = await GetAsync("/v2/keys");

        Assert.Equal(HttpStatusCode.NotFound, refused.Status);
    }
}
