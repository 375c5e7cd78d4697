using Google.Protobuf;
using Grpc.Core;
using Kv.Core.Entries;
using Kv.Core.Store;
using Kv.Protos.Etcd;

namespace Kv.Host.Etcd;

/// <summary>etcd's Lock service. A lock's key is on a lease, and is gone with it.</summary>
internal sealed class EtcdLockService(EtcdEdge edge, TurnQueue turns)
    : Protos.Etcd.Lock.LockBase
{
    public override async Task<LockResponse> Lock(LockRequest request, ServerCallContext context)
    {
        try
        {
            TurnQueue.Place place = await turns.EnterAsync(context, request.Name.Memory, request.Lease, default);
            long? revision = place.IsFirst ? place.Entered : await turns.AwaitTurnAsync(context, place);
            return new LockResponse
            {
                Header = edge.Header(context, revision ?? throw new RpcException(EtcdErrors.SessionExpired)),
                Key = UnsafeByteOperations.UnsafeWrap(place.Key),
            };
        }
        catch (RpcException refused)
        {
            throw EtcdErrors.WithinServer(refused);
        }
    }

    public override async Task<UnlockResponse> Unlock(UnlockRequest request, ServerCallContext context)
    {
        try
        {
            Reply reply = await edge.ExecuteAsync(
                context, new Command.DeleteRange(request.Key.Memory, default));
            return new UnlockResponse { Header = edge.Header(context, reply.Revision) };
        }
        catch (RpcException refused)
        {
            throw EtcdErrors.WithinServer(refused);
        }
    }
}
