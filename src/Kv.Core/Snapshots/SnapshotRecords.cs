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

    public static void WriteHeader(ByteWriter writer, SnapshotHeader header)
    {
        CommandCodec.WriteGenesis(writer, header.Genesis);
        writer.I64(header.AppliedOffset);
        writer.Digest(header.AppliedHash);
        writer.Digest(header.Chain);
        writer.I64(header.Revision);
        writer.I64(header.CompactedRevision);
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
        reader.I64(),
        reader.I64());

    public static void WriteKey(ByteWriter writer, KeyRecord record)
    {
        writer.VarBytes(record.Key);
        WritePut(writer, record);
    }

    public static KeyRecord ReadKey(ref ByteReader reader)
    {
        byte[] key = reader.VarBytes().ToArray();
        return ReadPut(ref reader, key);
    }

    public static void WriteHistory(ByteWriter writer, HistoryRecord record)
    {
        writer.VarBytes(record.Key);
        writer.VarU64((ulong)record.ModRevision);
        writer.U8((byte)record.Kind);
        if (record.Put is { } put)
        {
            WritePut(writer, put);
        }
        writer.U8((byte)(record.Base is null ? 0 : 1));
        if (record.Base is { } below)
        {
            WritePut(writer, below);
        }
    }

    public static HistoryRecord ReadHistory(ref ByteReader reader)
    {
        byte[] key = reader.VarBytes().ToArray();
        long modRevision = (long)reader.VarU64();
        var kind = (HistoryKind)reader.U8();
        KeyRecord? put = kind == HistoryKind.Past ? ReadPut(ref reader, key) : null;
        byte hasBase = reader.U8();
        if (!Enum.IsDefined(kind) || hasBase > 1)
        {
            throw new FormatException($"A mutation of kind {(byte)kind} is from a newer build.");
        }
        return new HistoryRecord(key, modRevision, kind, put, hasBase == 1 ? ReadPut(ref reader, key) : null);
    }

    public static void WriteLease(ByteWriter writer, LeaseRecord lease)
    {
        writer.I64(lease.Id);
        writer.I64(lease.TtlSeconds);
        writer.I64(lease.RenewedBehind);
        writer.I64(lease.CheckpointMs);
    }

    public static LeaseRecord ReadLease(ref ByteReader reader) =>
        new(reader.I64(), reader.I64(), reader.I64(), reader.I64());

    public static void WriteAlarm(ByteWriter writer, RaisedAlarm alarm)
    {
        writer.U64(alarm.MemberId);
        writer.U8((byte)alarm.Kind);
    }

    public static RaisedAlarm ReadAlarm(ref ByteReader reader)
    {
        var alarm = new RaisedAlarm(reader.U64(), (AlarmKind)reader.U8());
        return Enum.IsDefined(alarm.Kind)
            ? alarm
            : throw new FormatException($"Alarm {(byte)alarm.Kind} is from a newer build.");
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
        ReplyRecords.Write(writer, request.Value.Reply);
    }

    public static KeyValuePair<UInt128, RequestTable.Known> ReadRequest(ref ByteReader reader) => new(
        reader.U128(), new RequestTable.Known(reader.Digest(), ReplyRecords.Read(ref reader)));

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

    private static void WritePut(ByteWriter writer, KeyRecord record)
    {
        writer.VarBytes(record.Value);
        writer.VarU64((ulong)record.CreateRevision);
        // Small where a key was put once or in quick succession, as most are.
        writer.VarU64((ulong)(record.ModRevision - record.CreateRevision));
        writer.VarU64((ulong)record.Version);
        writer.VarU64((ulong)record.LeaseId);
    }

    private static KeyRecord ReadPut(ref ByteReader reader, byte[] key)
    {
        byte[] value = reader.VarBytes().ToArray();
        long createRevision = (long)reader.VarU64();
        long modRevision = createRevision + (long)reader.VarU64();
        var record = new KeyRecord(
            key, value, createRevision, modRevision, (long)reader.VarU64(), (long)reader.VarU64());
        return record.IsDeleted
            ? throw new FormatException("A key without a version stands where one was put.")
            : record;
    }
}
