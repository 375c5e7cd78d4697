using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Reflection.V1Alpha;
using Kv.Host.Tests.Hosting;

namespace Kv.Host.Tests.Proto;

/// <summary>What generic tools ask for: health and reflection.</summary>
public sealed class ServiceDirectoryTests(EmbeddedCluster cluster) : ProtoTest(cluster)
{
    [Fact]
    public async Task The_health_service_says_that_the_process_serves()
    {
        var health = new Health.HealthClient(Cluster.Host.Channel());

        HealthCheckResponse answer = await health.CheckAsync(new HealthCheckRequest());

        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, answer.Status);
    }

    [Fact]
    public async Task The_health_of_an_unknown_service_is_not_found()
    {
        var health = new Health.HealthClient(Cluster.Host.Channel());

        Status refused = await FailureOf(
            health.CheckAsync(new HealthCheckRequest { Service = "kv.Unknown" }));

        Assert.Equal(StatusCode.NotFound, refused.StatusCode);
    }

    [Fact]
    public async Task Reflection_lists_the_protobuf_service()
    {
        var reflection = new ServerReflection.ServerReflectionClient(Cluster.Host.Channel());
        using AsyncDuplexStreamingCall<ServerReflectionRequest, ServerReflectionResponse> call =
            reflection.ServerReflectionInfo();

        await call.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "" });
        await call.ResponseStream.MoveNext(CancellationToken.None);

        Assert.Contains(
            "kv.v1.KvService",
            call.ResponseStream.Current.ListServicesResponse.Service.Select(static service => service.Name));
    }
}
