using Grpc.Core;
using Kv.Actors.Nodes;
using Kv.Actors.Queue;
using Kv.Host.Nodes;
using Kv.Protos.Internal.V1;

namespace Kv.Host.Grpc;

/// <summary>kv.internal.v1.PeerService: what this node gives to its peers.</summary>
internal sealed class PeerGrpcService(NodeSlots slots) : PeerService.PeerServiceBase
{
    public override async Task GetState(
        GetStateRequest request, IServerStreamWriter<StateChunk> responseStream, ServerCallContext context)
    {
        try
        {
            if (slots.Of(context.GetHttpContext()).Node is not IPeerState node)
            {
                throw new KvException(KvError.UnsupportedInMode, "This node is not in queue mode.");
            }
            await foreach (StateChunk chunk in node.ExportAsync(request, context.CancellationToken))
            {
                await responseStream.WriteAsync(chunk, context.CancellationToken);
            }
        }
        catch (KvException error)
        {
            throw ErrorTable.ToRpc(error);
        }
        catch (PeerException error)
        {
            throw ErrorTable.InvalidArgument(error.Message);
        }
    }
}
