using Grpc.Net.Client;
using Kv.Protos.V1;

namespace Kv.Etcd.Tests.Systems;

/// <summary>A node of ours can be put beside an etcd.</summary>
public sealed class KvNodeProcessTests
{
    [Fact]
    public async Task A_node_of_ours_starts_and_answers_gRPC()
    {
        using EtcdPair pair = await EtcdPair.StartAsync(Candidates.KvHost);

        using GrpcChannel channel = GrpcChannel.ForAddress($"http://{pair.Candidate.Endpoint.Target}");
        StatusReply status = await new KvService.KvServiceClient(channel).StatusAsync(new StatusRequest());

        Assert.Equal("ready", status.State);
    }
}
