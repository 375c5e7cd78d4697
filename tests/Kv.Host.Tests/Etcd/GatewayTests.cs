using System.Net;
using System.Text;
using System.Text.Json;
using Kv.Host.Tests.Hosting;
using Kv.Host.Tests.Http;

namespace Kv.Host.Tests.Etcd;

/// <summary>etcd's API as JSON over HTTP.</summary>
public sealed class GatewayTests(EmbeddedCluster cluster) : HttpTest(cluster)
{
    [Fact]
    public async Task A_put_and_a_range_take_and_give_base64()
    {
        await PostAsync("/v3/kv/put", $$"""{"key": "{{Base64("a")}}", "value": "{{Encode("1")}}"}""");

        JsonElement range = await PostAsync("/v3/kv/range", $$"""{"key": "{{Base64("a")}}"}""", node: 2);

        JsonElement record = range.GetProperty("kvs").EnumerateArray().Single();
        Assert.Equal(Encode("1"), record.GetProperty("value").GetString());
        Assert.Equal(
            range.GetProperty("header").GetProperty("revision").GetString(),
            record.GetProperty("mod_revision").GetString());
        Assert.Equal("1", range.GetProperty("count").GetString());
    }

    [Fact]
    public async Task A_txn_takes_names_of_enumerations()
    {
        string key = Base64("a");
        JsonElement txn = await PostAsync("/v3/kv/txn", $$$"""
            {
              "compare": [
                {"key": "{{{key}}}", "target": "CREATE", "result": "EQUAL", "create_revision": "0"}
              ],
              "success": [{"request_put": {"key": "{{{key}}}", "value": ""}}]
            }
            """);

        Assert.True(txn.GetProperty("succeeded").GetBoolean());
        Assert.True(txn.GetProperty("responses")[0].TryGetProperty("response_put", out _));
    }

    [Fact]
    public async Task What_is_called_a_form_is_read_as_JSON_all_the_same()
    {
        using var body = new StringContent("{}", Encoding.UTF8, "application/x-www-form-urlencoded");
        using HttpResponseMessage answer = await Cluster.Host.Http(1).PostAsync(
            "/v3/maintenance/status", body);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Contains("\"version\":\"3.4.23\"", await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task An_error_has_etcds_code_and_text()
    {
        HttpAnswer answer = await SendAsync(HttpMethod.Post, "/v3/kv/put", "{}");

        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Equal(("3", "etcdserver: key is not provided"), (answer.Text("code"), answer.Text("message")));
    }

    private async Task<JsonElement> PostAsync(string path, string body, int node = 1)
    {
        HttpAnswer answer = await SendAsync(HttpMethod.Post, path, body, node);
        Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
        return answer.Json;
    }

    private string Base64(string name) => Encode(Prefix + name);

    private static string Encode(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
