using Grpc.Core;
using Kv.Host.Tests.Hosting;
using Kv.Protos.V1;

namespace Kv.Host.Tests.Proto;

/// <summary>
/// Base of the tests of kv.v1 on the shared cluster. Each test has a prefix of its own for its keys.
/// </summary>
[Collection(EmbeddedClusterCollection.Name)]
public abstract class ProtoTest(EmbeddedCluster cluster)
{
    private static int _tests;

    /// <summary>What this test's keys begin with.</summary>
    protected string Prefix { get; } = $"proto-{Interlocked.Increment(ref _tests)}-";

    protected EmbeddedCluster Cluster { get; } = cluster;

    protected KvService.KvServiceClient Kv(int node = 1) => Cluster.Host.Kv(node);

    /// <summary>Sets a key of this test.</summary>
    protected async Task<SetReply> SetAsync(string name, string valueJson, int node = 1) =>
        await Kv(node).SetAsync(new SetRequest { Key = Prefix + name, ValueJson = valueJson });

    protected static async Task<Status> FailureOf<T>(AsyncUnaryCall<T> call) =>
        (await Assert.ThrowsAsync<RpcException>(async () => await call)).Status;
}
