using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kv.Host.Tests.Hosting;

namespace Kv.Host.Tests.Http;

/// <summary>
/// Base of the tests of HTTP/JSON on the shared cluster. Each test has a prefix of its own for its keys.
/// </summary>
[Collection(EmbeddedClusterCollection.Name)]
public abstract class HttpTest(EmbeddedCluster cluster)
{
    private static int _tests;

    /// <summary>What this test's keys begin with.</summary>
    protected string Prefix { get; } = $"http-{Interlocked.Increment(ref _tests)}-";

    protected EmbeddedCluster Cluster { get; } = cluster;

    protected async Task<HttpAnswer> SendAsync(
        HttpMethod method, string path, object? body = null, int node = 1)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Content = body switch
        {
            null => null,
            string text => new StringContent(text, System.Text.Encoding.UTF8, "application/json"),
            _ => JsonContent.Create(body),
        };
        using HttpResponseMessage response = await Cluster.Host.Http(node).SendAsync(request);
        string answer = await response.Content.ReadAsStringAsync();
        return new HttpAnswer(response.StatusCode, answer);
    }

    protected Task<HttpAnswer> PutAsync(string keyPath, object body, int node = 1) =>
        SendAsync(HttpMethod.Put, $"/v1/keys/{keyPath}", body, node);

    protected Task<HttpAnswer> GetAsync(string path, int node = 1) =>
        SendAsync(HttpMethod.Get, path, null, node);

    protected sealed record HttpAnswer(HttpStatusCode Status, string Body)
    {
        public JsonElement Json => JsonDocument.Parse(Body).RootElement;

        /// <summary>A field of the answer as text. Protobuf writes 64-bit numbers as such, too.</summary>
        public string Text(string field) => Json.GetProperty(field).ToString();
    }
}
