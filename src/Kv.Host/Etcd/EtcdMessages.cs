using Google.Protobuf;
using Google.Protobuf.Collections;
using Grpc.Core;
using Kv.Core;
using Kv.Core.Entries;
using Kv.Core.Store;
using Kv.Protos.Etcd;
using Compare = Kv.Protos.Etcd.Compare;

namespace Kv.Host.Etcd;

/// <summary>
/// Messages of etcd's KV service to commands, checked in the order etcd checks them, so that of several
/// mistakes the same one is named; and replies to messages. Bytes are shared, not copied.
/// </summary>
internal static class EtcdMessages
{
    public static Command.Put ToCommand(PutRequest request)
    {
        PutOptions options = (request.PrevKv ? PutOptions.WithPrevious : 0)
            | (request.IgnoreValue ? PutOptions.IgnoreValue : 0)
            | (request.IgnoreLease ? PutOptions.IgnoreLease : 0);
        var put = new Command.Put(request.Key.Memory, request.Value.Memory, request.Lease, options);
        return TxnRules.Check(put) is { } error ? throw Refused(error) : put;
    }

    public static Command.DeleteRange ToCommand(DeleteRangeRequest request) => request.Key.IsEmpty
        ? throw Refused(StoreError.KeyEmpty)
        : new Command.DeleteRange(request.Key.Memory, request.RangeEnd.Memory, request.PrevKv);

    public static RangeQuery ToQuery(RangeRequest request)
    {
        if (request.Key.IsEmpty)
        {
            throw Refused(StoreError.KeyEmpty);
        }
        if (!Enum.IsDefined(request.SortOrder) || !Enum.IsDefined(request.SortTarget))
        {
            throw new RpcException(EtcdErrors.InvalidSortOption);
        }
        return new RangeQuery(request.Key.Memory, request.RangeEnd.Memory)
        {
            Limit = request.Limit,
            Revision = request.Revision,
            Sort = (RangeSort)request.SortOrder,
            SortTarget = (RangeSortTarget)request.SortTarget,
            KeysOnly = request.KeysOnly,
            CountOnly = request.CountOnly,
            ModRevisionMin = request.MinModRevision,
            ModRevisionMax = request.MaxModRevision,
            CreateRevisionMin = request.MinCreateRevision,
            CreateRevisionMax = request.MaxCreateRevision,
        };
    }

    public static Command.Txn ToCommand(TxnRequest request)
    {
        Command.Txn txn = ToCommand(request, KvLimits.TxnCommandsMax);
        return TxnRules.Check(txn) is { } error ? throw Refused(error) : txn;
    }

    public static RangeResponse ToMessage(Reply.Ranged reply, bool keysOnly, ResponseHeader header)
    {
        RangeResult result = reply.Result!;
        var message = new RangeResponse { Header = header, Count = result.Count, More = result.HasMore };
        foreach (KeyRecord record in result.Records)
        {
            message.Kvs.Add(ToMessage(record, keysOnly));
        }
        return message;
    }

    public static PutResponse ToMessage(Reply.Stored reply, ResponseHeader header) => new()
    {
        Header = header,
        PrevKv = reply.Previous is { } previous ? ToMessage(previous) : null,
    };

    public static DeleteRangeResponse ToMessage(Reply.DeletedRange reply, ResponseHeader header)
    {
        var message = new DeleteRangeResponse { Header = header, Deleted = reply.Count };
        foreach (KeyRecord record in reply.Previous)
        {
            message.PrevKvs.Add(ToMessage(record));
        }
        return message;
    }

    public static TxnResponse ToMessage(TxnRequest request, Reply.TxnDone reply, ResponseHeader header)
    {
        var message = new TxnResponse { Header = header, Succeeded = reply.Succeeded };
        RepeatedField<RequestOp> operations = reply.Succeeded ? request.Success : request.Failure;
        for (int i = 0; i < operations.Count; i++)
        {
            message.Responses.Add(ToMessage(operations[i], reply.Replies[i]));
        }
        return message;
    }

    public static KeyValue ToMessage(KeyRecord record, bool keyOnly = false) => new()
    {
        Key = UnsafeByteOperations.UnsafeWrap(record.Key),
        Value = keyOnly ? ByteString.Empty : UnsafeByteOperations.UnsafeWrap(record.Value),
        CreateRevision = record.CreateRevision,
        ModRevision = record.ModRevision,
        Version = record.Version,
        Lease = record.LeaseId,
    };

    // As in etcd, the parts of a transaction have headers with nothing but their revision.
    private static ResponseOp ToMessage(RequestOp operation, Reply reply)
    {
        var header = new ResponseHeader { Revision = reply.Revision };
        return reply switch
        {
            Reply.Ranged ranged => new ResponseOp
            {
                ResponseRange = ToMessage(ranged, operation.RequestRange.KeysOnly, header),
            },
            Reply.Stored stored => new ResponseOp { ResponsePut = ToMessage(stored, header) },
            Reply.DeletedRange deleted => new ResponseOp
            {
                ResponseDeleteRange = ToMessage(deleted, header),
            },
            Reply.TxnDone txn => new ResponseOp
            {
                ResponseTxn = ToMessage(operation.RequestTxn, txn, new ResponseHeader()),
            },
            _ => throw new InvalidOperationException($"A transaction answered {reply.GetType().Name}."),
        };
    }

    private static Command.Txn ToCommand(TxnRequest request, int commandsMax)
    {
        int most = Math.Max(
            request.Compare.Count, Math.Max(request.Success.Count, request.Failure.Count));
        if (most > commandsMax)
        {
            throw Refused(StoreError.TooManyOperations);
        }
        return new Command.Txn(
            [.. request.Compare.Select(ToCompare)],
            [.. request.Success.Select(operation => ToCommand(operation, commandsMax - most))],
            [.. request.Failure.Select(operation => ToCommand(operation, commandsMax - most))]);
    }

    private static Command ToCommand(RequestOp operation, int commandsMax) => operation.RequestCase switch
    {
        RequestOp.RequestOneofCase.RequestRange => new Command.Range(ToQuery(operation.RequestRange)),
        RequestOp.RequestOneofCase.RequestPut => ToCommand(operation.RequestPut),
        RequestOp.RequestOneofCase.RequestDeleteRange => ToCommand(operation.RequestDeleteRange),
        RequestOp.RequestOneofCase.RequestTxn => ToCommand(operation.RequestTxn, commandsMax),
        // What etcd says of an operation that is none.
        _ => throw Refused(StoreError.KeyNotFound),
    };

    private static TxnCompare ToCompare(Compare compare)
    {
        if (compare.Key.IsEmpty)
        {
            throw Refused(StoreError.KeyEmpty);
        }
        if (!Enum.IsDefined(compare.Target) || !Enum.IsDefined(compare.Result))
        {
            throw new RpcException(new Status(
                StatusCode.InvalidArgument,
                $"The compare has target {compare.Target} and result {compare.Result}; this server does not "
                    + "know them."));
        }
        return new TxnCompare(
            compare.Key.Memory,
            compare.RangeEnd.Memory,
            (CompareTarget)compare.Target,
            (CompareResult)compare.Result,
            compare.Target switch
            {
                Compare.Types.CompareTarget.Version => compare.Version,
                Compare.Types.CompareTarget.Create => compare.CreateRevision,
                Compare.Types.CompareTarget.Mod => compare.ModRevision,
                Compare.Types.CompareTarget.Lease => compare.Lease,
                _ => 0,
            },
            compare.Value.Memory);
    }

    private static RpcException Refused(StoreError error) => new(EtcdEdge.StatusOf(error));
}
