using Grpc.Core;
using Kv.Core.Entries;
using Kv.Core.Store;
using Kv.Protos.Etcd;

namespace Kv.Host.Etcd;

/// <summary>etcd's KV service.</summary>
internal sealed class EtcdKvService(EtcdEdge edge) : KV.KVBase
{
    /// <summary>Most records in one message of a streamed range.</summary>
    private const int StreamedRecordsMax = 256;

    /// <summary>Size at which a message of a streamed range is sent, bytes of keys and values.</summary>
    private const int StreamedBytesTarget = 65_536;

    public override async Task<RangeResponse> Range(RangeRequest request, ServerCallContext context)
    {
        RangeQuery query = EtcdMessages.ToQuery(request);
        Reply reply = await edge.ReadAsync(context, new Command.Range(query), request.Serializable);
        return EtcdMessages.ToMessage(
            (Reply.Ranged)reply, request.KeysOnly, edge.Header(context, reply.Revision));
    }

    public override async Task RangeStream(
        RangeRequest request,
        IServerStreamWriter<RangeStreamResponse> responseStream,
        ServerCallContext context)
    {
        RangeResponse whole = await Range(request, context);
        var part = new RangeResponse();
        int bytes = 0;
        foreach (KeyValue record in whole.Kvs)
        {
            part.Kvs.Add(record);
            bytes += record.Key.Length + record.Value.Length;
            if (part.Kvs.Count == StreamedRecordsMax || bytes >= StreamedBytesTarget)
            {
                await responseStream.WriteAsync(new RangeStreamResponse { RangeResponse = part });
                part = new RangeResponse();
                bytes = 0;
            }
        }
        part.Header = whole.Header;
        part.Count = whole.Count;
        part.More = whole.More;
        await responseStream.WriteAsync(new RangeStreamResponse { RangeResponse = part });
    }

    public override async Task<PutResponse> Put(PutRequest request, ServerCallContext context)
    {
        Reply reply = await edge.ExecuteAsync(context, EtcdMessages.ToCommand(request));
        return EtcdMessages.ToMessage((Reply.Stored)reply, edge.Header(context, reply.Revision));
    }

    public override async Task<DeleteRangeResponse> DeleteRange(
        DeleteRangeRequest request, ServerCallContext context)
    {
        Reply reply = await edge.ExecuteAsync(context, EtcdMessages.ToCommand(request));
        return EtcdMessages.ToMessage((Reply.DeletedRange)reply, edge.Header(context, reply.Revision));
    }

    public override async Task<TxnResponse> Txn(TxnRequest request, ServerCallContext context)
    {
        Command.Txn txn = EtcdMessages.ToCommand(request);
        Reply reply = TxnRules.IsReadOnly(txn)
            ? await edge.ReadAsync(context, txn, IsSerializable(request))
            : await edge.ExecuteAsync(context, txn);
        return EtcdMessages.ToMessage(request, (Reply.TxnDone)reply, edge.Header(context, reply.Revision));
    }

    public override async Task<CompactionResponse> Compact(
        CompactionRequest request, ServerCallContext context)
    {
        // Physical or not: behind the answer nobody can read what was compacted, and its memory is let go
        // with the next entries.
        Reply reply = await edge.ExecuteAsync(context, new Command.Compact(request.Revision));
        return new CompactionResponse { Header = edge.Header(context, reply.Revision) };
    }

    // As etcd: where every range of it may be answered from the node's own state.
    private static bool IsSerializable(TxnRequest request) => request.Success.Concat(request.Failure).All(
        static operation => operation.RequestCase switch
        {
            RequestOp.RequestOneofCase.RequestRange => operation.RequestRange.Serializable,
            RequestOp.RequestOneofCase.RequestTxn => IsSerializable(operation.RequestTxn),
            _ => false,
        });
}
