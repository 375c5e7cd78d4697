using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Kv.Protos.Etcd;

namespace Kv.Etcd.Tests.Systems;

/// <summary>The gRPC door of one server that speaks etcd's protocol, whoever wrote it.</summary>
internal sealed class EtcdEndpoint : IDisposable
{
    /// <summary>Longest wait for one reply, s.</summary>
    private const int CallSecondsMax = 20;

    private readonly GrpcChannel _channel;

    /// <param name="target">host:port, plaintext HTTP/2.</param>
    public EtcdEndpoint(string target)
    {
        Target = target;
        _channel = GrpcChannel.ForAddress($"http://{target}");
        Kv = new KV.KVClient(_channel);
        Lease = new Lease.LeaseClient(_channel);
        Watch = new Watch.WatchClient(_channel);
        Lock = new Protos.Etcd.Lock.LockClient(_channel);
        Election = new Election.ElectionClient(_channel);
        Maintenance = new Maintenance.MaintenanceClient(_channel);
    }

    /// <summary>host:port, for etcdctl's --endpoints.</summary>
    public string Target { get; }

    public KV.KVClient Kv { get; }

    public Lease.LeaseClient Lease { get; }

    public Watch.WatchClient Watch { get; }

    public Protos.Etcd.Lock.LockClient Lock { get; }

    public Election.ElectionClient Election { get; }

    public Maintenance.MaintenanceClient Maintenance { get; }

    /// <summary>Makes the unary call that belongs to a request.</summary>
    public async Task<Answer> AskAsync(IMessage request)
    {
        try
        {
            return new Answer.Reply(await CallAsync(request, DateTime.UtcNow.AddSeconds(CallSecondsMax)));
        }
        catch (RpcException refused)
        {
            return new Answer.Refusal(refused.StatusCode, refused.Status.Detail);
        }
    }

    public void Dispose() => _channel.Dispose();

    private async Task<IMessage> CallAsync(IMessage request, DateTime by) => request switch
    {
        RangeRequest range => await Kv.RangeAsync(range, deadline: by),
        PutRequest put => await Kv.PutAsync(put, deadline: by),
        DeleteRangeRequest delete => await Kv.DeleteRangeAsync(delete, deadline: by),
        TxnRequest txn => await Kv.TxnAsync(txn, deadline: by),
        CompactionRequest compaction => await Kv.CompactAsync(compaction, deadline: by),
        LeaseGrantRequest grant => await Lease.LeaseGrantAsync(grant, deadline: by),
        LeaseRevokeRequest revoke => await Lease.LeaseRevokeAsync(revoke, deadline: by),
        LeaseTimeToLiveRequest left => await Lease.LeaseTimeToLiveAsync(left, deadline: by),
        LeaseLeasesRequest leases => await Lease.LeaseLeasesAsync(leases, deadline: by),
        LeaseKeepAliveRequest keep => await KeepAliveAsync(keep, by),
        _ => throw new UnreachableException($"No unary call takes a {request.Descriptor.Name}."),
    };

    private async Task<IMessage> KeepAliveAsync(LeaseKeepAliveRequest request, DateTime by)
    {
        using AsyncDuplexStreamingCall<LeaseKeepAliveRequest, LeaseKeepAliveResponse> call =
            Lease.LeaseKeepAlive(deadline: by);
        await call.RequestStream.WriteAsync(request);
        await call.ResponseStream.MoveNext(CancellationToken.None);
        LeaseKeepAliveResponse reply = call.ResponseStream.Current;
        await call.RequestStream.CompleteAsync();
        return reply;
    }
}
