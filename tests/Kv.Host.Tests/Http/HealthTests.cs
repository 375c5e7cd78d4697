using System.Net;
using Kv.Host.Tests.Hosting;

namespace Kv.Host.Tests.Http;

public sealed class HealthTests(EmbeddedCluster cluster) : HttpTest(cluster)
{
    [Fact]
    public async Task A_process_that_runs_is_healthy()
    {
        HttpAnswer health = await GetAsync("/healthz");

        Assert.Equal((HttpStatusCode.OK, "ok\n"), (health.Status, health.Body));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_node_that_serves_is_ready(int node)
    {
        HttpAnswer ready = await GetAsync("/readyz", node);

        Assert.Equal((HttpStatusCode.OK, "ready\n"), (ready.Status, ready.Body));
    }
}
