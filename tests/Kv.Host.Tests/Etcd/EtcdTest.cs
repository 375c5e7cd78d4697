using Google.Protobuf;
using Grpc.Core;
using Kv.Host.Tests.Hosting;
using Kv.Protos.Etcd;

namespace Kv.Host.Tests.Etcd;

/// <summary>
/// Base of the tests of etcd's API on the shared cluster. Each test has a prefix of its own for its keys.
/// </summary>
[Collection(EmbeddedClusterCollection.Name)]
public abstract class EtcdTest(EmbeddedCluster cluster)
{
    private static int _tests;

    /// <summary>What this test's keys begin with.</summary>
    protected string Prefix { get; } = $"etcd-{Interlocked.Increment(ref _tests)}-";

    protected EmbeddedCluster Cluster { get; } = cluster;

    protected KV.KVClient Kv(int node = 1) => new(Cluster.Host.Channel(node));

    protected Maintenance.MaintenanceClient Maintenance(int node = 1) => new(Cluster.Host.Channel(node));

    protected ByteString Key(string name) => ByteString.CopyFromUtf8(Prefix + name);

    protected async Task<PutResponse> PutAsync(string name, string value, int node = 1) =>
        await Kv(node).PutAsync(new PutRequest { Key = Key(name), Value = ByteString.CopyFromUtf8(value) });

    protected static async Task<Status> RefusedAsync(Func<Task> call) =>
        (await Assert.ThrowsAsync<RpcException>(call)).Status;
}
