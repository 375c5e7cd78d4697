using Kv.Core.Auth;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Core.Snapshots;

/// <summary>
/// What was read of a snapshot so far: payloads go in, a store comes out. It only counts what it need not
/// keep.
/// </summary>
internal sealed class SnapshotContents(bool keeps)
{
    private byte[]? _lastKey;
    private ContentsDigest _keysDigest;

    public SnapshotHeader? Header { get; private set; }

    public SortedBuild Keys { get; } = new();

    public ContentsDigest KeysDigest => _keysDigest;

    /// <summary>As <see cref="KeyRecord.Bytes"/>, of all keys.</summary>
    public long KeyBytes { get; private set; }

    public List<HistoryRecord> History { get; } = [];

    public List<LeaseRecord> Leases { get; } = [];

    public List<RaisedAlarm> Alarms { get; } = [];

    public List<AuthRecord> Auth { get; } = [];

    public List<ProducerTable.Producer> Producers { get; } = [];

    public List<KeyValuePair<UInt128, RequestTable.Known>> Requests { get; } = [];

    public List<ChainHistory.Link> ChainHistory { get; } = [];

    public List<ClusterSettings.Record> Cluster { get; } = [];

    /// <summary>Takes one payload; returns how many records it had.</summary>
    /// <exception cref="FormatException">It holds what no build writes.</exception>
    /// <exception cref="SnapshotException">Its section is one of a newer build.</exception>
    public long Take(SectionKind section, ReadOnlyMemory<byte> payload)
    {
        var reader = new ByteReader(payload);
        long count = 0;
        while (reader.Left > 0)
        {
            TakeRecord(section, ref reader);
            count++;
        }
        return count;
    }

    private void TakeRecord(SectionKind section, ref ByteReader reader)
    {
        switch (section)
        {
            case SectionKind.Header when Header is null:
                Header = SnapshotRecords.ReadHeader(ref reader);
                break;
            case SectionKind.Header:
                throw new FormatException("It has a second header.");
            case SectionKind.Keys:
                TakeKey(SnapshotRecords.ReadKey(ref reader));
                break;
            case SectionKind.Producers:
                Keep(Producers, SnapshotRecords.ReadProducer(ref reader));
                break;
            case SectionKind.Requests:
                Keep(Requests, SnapshotRecords.ReadRequest(ref reader));
                break;
            case SectionKind.ChainHistory:
                Keep(ChainHistory, SnapshotRecords.ReadLink(ref reader));
                break;
            case SectionKind.KeyHistory:
                Keep(History, SnapshotRecords.ReadHistory(ref reader));
                break;
            case SectionKind.Leases:
                Keep(Leases, SnapshotRecords.ReadLease(ref reader));
                break;
            case SectionKind.Auth:
                Keep(Auth, AuthRecordCodec.Read(ref reader));
                break;
            case SectionKind.Alarms:
                Keep(Alarms, SnapshotRecords.ReadAlarm(ref reader));
                break;
            case SectionKind.ClusterSettings:
                Keep(Cluster, SnapshotRecords.ReadCluster(ref reader));
                break;
            default:
                throw new SnapshotException(
                    SnapshotFault.TooNew, $"It has a section of kind {(byte)section}, which this build does "
                        + "not know.");
        }
    }

    private void TakeKey(KeyRecord record)
    {
        if (_lastKey is not null && record.Key.AsSpan().SequenceCompareTo(_lastKey) <= 0)
        {
            throw new FormatException("Its keys are not in order.");
        }
        _lastKey = record.Key;
        if (keeps)
        {
            Keys.Append(record.Key, record);
            _keysDigest.Add(record);
            KeyBytes += record.Bytes;
        }
    }

    private void Keep<T>(List<T> records, T record)
    {
        if (keeps)
        {
            records.Add(record);
        }
    }
}
