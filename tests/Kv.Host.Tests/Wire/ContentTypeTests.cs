using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Kv.Host.Tests.Hosting;

namespace Kv.Host.Tests.Wire;

public sealed class ContentTypeTests(EmbeddedCluster cluster) : WireTest(cluster)
{
    /// <summary>gRPC before each message: one byte for compression, four for the length.</summary>
    private const int FrameHeaderBytes = 5;

    [Theory]
    [InlineData("application/grpc")]
    [InlineData("application/grpc+json")]
    [InlineData("application/grpc+proto")]
    public async Task Clients_may_name_the_codec_they_use_or_not(string contentType)
    {
        await SetAsync("a", "1");
        using HttpClient http = new();
        using HttpRequestMessage request = GetRequest(contentType);

        using HttpResponseMessage response = await http.SendAsync(request);

        byte[] frame = await response.Content.ReadAsByteArrayAsync();
        Assert.Equal(["0"], response.TrailingHeaders.GetValues("grpc-status"));
        Assert.Contains(
            "\"local_value\":\"1\"",
            Encoding.UTF8.GetString(frame.AsSpan(FrameHeaderBytes)),
            StringComparison.Ordinal);
    }

    private HttpRequestMessage GetRequest(string contentType)
    {
        byte[] message = Encoding.UTF8.GetBytes($$"""{"key":"{{Prefix}}a"}""");
        byte[] frame = new byte[FrameHeaderBytes + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), message.Length);
        message.CopyTo(frame, FrameHeaderBytes);
        var content = new ByteArrayContent(frame);
        content.Headers.ContentType = new MediaTypeHeaderValue(contentType);
        return new HttpRequestMessage(HttpMethod.Post, $"http://{Cluster.Host.Target()}/kv.KvService/Get")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Headers = { TE = { new TransferCodingWithQualityHeaderValue("trailers") } },
            Content = content,
        };
    }
}
