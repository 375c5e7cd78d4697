using System.Diagnostics;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Core.Snapshots;

/// <summary>First answers of calls with a request id, as the request table keeps them.</summary>
internal static class ReplyRecords
{
    private const byte ReplyDone = 1;
    private const byte ReplyGot = 2;
    private const byte ReplyPrinted = 3;
    private const byte ReplyRemoved = 4;
    private const byte ReplyRefused = 5;
    private const byte ReplyStored = 6;
    private const byte ReplyDeleted = 7;
    private const byte ReplyTxn = 8;
    private const byte ReplyLeased = 9;

    public static void Write(ByteWriter writer, Reply reply)
    {
        writer.U8(KindOf(reply));
        writer.I64(reply.Revision);
        writer.I64(reply.Order);
        switch (reply)
        {
            case Reply.Removed removed:
                writer.I64(removed.Deleted);
                break;
            case Reply.Refused refused:
                writer.I32((int)refused.Error);
                break;
            case Reply.DeletedRange deleted:
                writer.I64(deleted.Count);
                break;
            case Reply.Leased leased:
                writer.I64(leased.LeaseId);
                writer.I64(leased.TtlSeconds);
                break;
            case Reply.TxnDone txn:
                writer.U8((byte)(txn.Succeeded ? 1 : 0));
                writer.I32(txn.Replies.Count);
                foreach (Reply part in txn.Replies)
                {
                    Write(writer, part);
                }
                break;
        }
    }

    public static Reply Read(ref ByteReader reader, int depth = 0)
    {
        byte kind = reader.U8();
        long revision = reader.I64();
        long order = reader.I64();
        Reply reply = kind switch
        {
            ReplyDone => new Reply.Done { Revision = revision, Order = order },
            ReplyGot => new Reply.Got(null) { Revision = revision, Order = order },
            ReplyPrinted => new Reply.Printed(null) { Revision = revision, Order = order },
            ReplyRemoved => new Reply.Removed(reader.I64()) { Revision = revision, Order = order },
            ReplyRefused => new Reply.Refused(ReadError(ref reader)) { Revision = revision, Order = order },
            ReplyStored => new Reply.Stored(null) { Revision = revision, Order = order },
            ReplyDeleted => new Reply.DeletedRange(reader.I64(), []) { Revision = revision, Order = order },
            ReplyLeased => new Reply.Leased(reader.I64(), reader.I64())
            {
                Revision = revision,
                Order = order,
            },
            ReplyTxn when depth < KvLimits.TxnDepthMax => new Reply.TxnDone(
                reader.U8() != 0, ReadParts(ref reader, depth))
            {
                Revision = revision,
                Order = order,
            },
            _ => throw new FormatException($"Reply kind {kind} is from a newer build."),
        };
        return reply;
    }

    private static byte KindOf(Reply reply) => reply switch
    {
        Reply.Done => ReplyDone,
        // They are kept without values.
        Reply.Got { Value: null } => ReplyGot,
        Reply.Printed { View: null } => ReplyPrinted,
        Reply.Removed => ReplyRemoved,
        Reply.Refused => ReplyRefused,
        Reply.Stored { Previous: null } => ReplyStored,
        Reply.DeletedRange { Previous.Count: 0 } => ReplyDeleted,
        Reply.TxnDone => ReplyTxn,
        Reply.Leased => ReplyLeased,
        _ => throw new UnreachableException($"No snapshot form for the reply {reply.GetType().Name}."),
    };

    private static Reply[] ReadParts(ref ByteReader reader, int depth)
    {
        int count = reader.I32();
        if (count is < 0 or > KvLimits.TxnCommandsMax)
        {
            throw new FormatException($"A transaction has {count} replies.");
        }
        var parts = new Reply[count];
        for (int i = 0; i < count; i++)
        {
            parts[i] = Read(ref reader, depth + 1);
        }
        return parts;
    }

    private static StoreError ReadError(ref ByteReader reader)
    {
        var error = (StoreError)reader.I32();
        return Enum.IsDefined(error)
            ? error
            : throw new FormatException($"Store error {(int)error} is from a newer build.");
    }
}
