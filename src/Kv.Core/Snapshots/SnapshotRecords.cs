using System.Diagnostics;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Core.Snapshots;

/// <summary>
/// The records of each section as bytes. Keys are many and small, so their numbers are varints; the tables
/// are few and fixed.
/// </summary>
internal static class SnapshotRecords
{
    private const byte ClusterSingle = 1;
    private const byte ClusterTaken = 2;
    private const byte ClusterSkipped = 3;

    private const byte ReplyDone = 1;
    private const byte ReplyGot = 2;
    private const byte ReplyPrinted = 3;
    private const byte ReplyRemoved = 4;
    private const byte ReplyRefused = 5;

    public static void WriteHeader(ByteWriter writer, SnapshotHeader header)
    {
        CommandCodec.WriteGenesis(writer, header.Genesis);
        writer.I64(header.AppliedOffset);
        writer.Digest(header.AppliedHash);
        writer.Digest(header.Chain);
        writer.I64(header.Revision);
        writer.I64(header.Order);
        writer.I64(header.Strays);
        writer.I64(header.RequestFloor);
    }

    public static SnapshotHeader ReadHeader(ref ByteReader reader) => new(
        CommandCodec.ReadGenesis(ref reader),
        reader.I64(),
        reader.Digest(),
        reader.Digest(),
        reader.I64(),
        reader.I64(),
        reader.I64(),
        reader.I64());

    public static void WriteKey(ByteWriter writer, KeyValuePair<byte[], KeyRecord> entry)
    {
        KeyRecord record = entry.Value;
        writer.VarU64((ulong)entry.Key.Length);
        writer.Raw(entry.Key);
        writer.VarU64((ulong)record.Value.Length);
        writer.Raw(record.Value);
        writer.VarU64((ulong)record.CreateRevision);
        // Small where a key was put once or in quick succession, as most are.
        writer.VarU64((ulong)(record.ModRevision - record.CreateRevision));
        writer.VarU64((ulong)record.Version);
        writer.VarU64((ulong)record.LeaseId);
    }

    public static KeyValuePair<byte[], KeyRecord> ReadKey(ref ByteReader reader)
    {
        byte[] key = ReadShortBytes(ref reader).ToArray();
        byte[] value = ReadShortBytes(ref reader).ToArray();
        long createRevision = (long)reader.VarU64();
        long modRevision = createRevision + (long)reader.VarU64();
        return new(key, new KeyRecord(
            value, createRevision, modRevision, (long)reader.VarU64(), (long)reader.VarU64()));
    }

    public static void WriteProducer(ByteWriter writer, ProducerTable.Producer producer)
    {
        writer.I64(producer.Id);
        writer.Text(producer.NodeId);
        writer.I64(producer.LastSequence);
        writer.I64(producer.LastOffset);
    }

    public static ProducerTable.Producer ReadProducer(ref ByteReader reader) => new(
        reader.I64(), reader.Text(KvLimits.NodeIdBytesMax), reader.I64(), reader.I64());

    public static void WriteRequest(ByteWriter writer, KeyValuePair<UInt128, RequestTable.Known> request)
    {
        writer.U128(request.Key);
        writer.Digest(request.Value.Command);
        WriteReply(writer, request.Value.Reply);
    }

    public static KeyValuePair<UInt128, RequestTable.Known> ReadRequest(ref ByteReader reader) => new(
        reader.U128(), new RequestTable.Known(reader.Digest(), ReadReply(ref reader)));

    public static void WriteLink(ByteWriter writer, ChainHistory.Link link)
    {
        writer.I64(link.Offset);
        writer.Digest(link.Chain);
    }

    public static ChainHistory.Link ReadLink(ref ByteReader reader) =>
        new(reader.I64(), reader.Digest(), Contents: Digest.Zero);

    public static void WriteCluster(ByteWriter writer, ClusterSettings.Record record)
    {
        switch (record)
        {
            case ClusterSettings.Record.Single single:
                writer.U8(ClusterSingle);
                writer.I32(single.Version);
                writer.I32(single.Size);
                writer.I64(single.LogBytes);
                writer.I64(single.Skips);
                break;
            case ClusterSettings.Record.Taken { Mark: { } mark }:
                writer.U8(ClusterTaken);
                writer.Text(mark.NodeId);
                writer.I64(mark.Offset);
                writer.I64(mark.LogBytes);
                break;
            case ClusterSettings.Record.Skipped skipped:
                writer.U8(ClusterSkipped);
                writer.I64(skipped.Offset);
                break;
            default:
                throw new UnreachableException($"No snapshot form for {record.GetType().Name}.");
        }
    }

    public static ClusterSettings.Record ReadCluster(ref ByteReader reader)
    {
        byte kind = reader.U8();
        return kind switch
        {
            ClusterSingle => new ClusterSettings.Record.Single(
                reader.I32(), reader.I32(), reader.I64(), reader.I64()),
            ClusterTaken => new ClusterSettings.Record.Taken(new ClusterSettings.SnapshotMark(
                reader.Text(KvLimits.NodeIdBytesMax), reader.I64(), reader.I64())),
            ClusterSkipped => new ClusterSettings.Record.Skipped(reader.I64()),
            _ => throw new SnapshotException(
                SnapshotFault.TooNew, $"It has a cluster setting of kind {kind}, which this build does not "
                    + "know."),
        };
    }

    private static void WriteReply(ByteWriter writer, Reply reply)
    {
        writer.U8(reply switch
        {
            Reply.Done => ReplyDone,
            // First answers of calls with a request id are kept without values.
            Reply.Got { Value: null } => ReplyGot,
            Reply.Printed { View: null } => ReplyPrinted,
            Reply.Removed => ReplyRemoved,
            Reply.Refused => ReplyRefused,
            _ => throw new UnreachableException($"No snapshot form for the reply {reply.GetType().Name}."),
        });
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
        }
    }

    private static Reply ReadReply(ref ByteReader reader)
    {
        byte kind = reader.U8();
        long revision = reader.I64();
        long order = reader.I64();
        return kind switch
        {
            ReplyDone => new Reply.Done { Revision = revision, Order = order },
            ReplyGot => new Reply.Got(null) { Revision = revision, Order = order },
            ReplyPrinted => new Reply.Printed(null) { Revision = revision, Order = order },
            ReplyRemoved => new Reply.Removed(reader.I64()) { Revision = revision, Order = order },
            ReplyRefused => new Reply.Refused(ReadError(ref reader)) { Revision = revision, Order = order },
            _ => throw new FormatException($"Reply kind {kind} is from a newer build."),
        };
    }

    private static StoreError ReadError(ref ByteReader reader)
    {
        var error = (StoreError)reader.I32();
        return Enum.IsDefined(error)
            ? error
            : throw new FormatException($"Store error {(int)error} is from a newer build.");
    }

    private static ReadOnlyMemory<byte> ReadShortBytes(ref ByteReader reader)
    {
        ulong length = reader.VarU64();
        return length <= int.MaxValue
            ? reader.Take((int)length)
            : throw new FormatException($"A field of {length} bytes stands where {reader.Left} are left.");
    }
}
