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
    public override Task<LockResponse> Lock(LockRequest request, ServerCallContext context) =>
        TurnQueue.AnswerAsync(context, async () =>
        {
            TurnQueue.Place place = await turns.EnterAsync(
                context, request.Name.Memory, request.Lease, value: default);
            long? revision = place.IsFirst ? place.Entered : await turns.AwaitTurnAsync(context, place);
            return new LockResponse
            {
                Header = edge.Header(context, revision ?? throw new RpcException(EtcdErrors.SessionExpired)),
                Key = UnsafeByteOperations.UnsafeWrap(place.Key),
            };
        });

    public override Task<UnlockResponse> Unlock(UnlockRequest request, ServerCallContext context) =>
        TurnQueue.AnswerAsync(context, async () =>
        {
            Reply reply = await edge.ExecuteAsync(
                context, new Command.DeleteRange(request.Key.Memory, default));
            return new UnlockResponse { Header = edge.Header(context, reply.Revision) };
        });
}
