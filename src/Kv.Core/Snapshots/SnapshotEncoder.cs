using System.IO.Hashing;
using Kv.Core.Auth;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Core.Snapshots;

/// <summary>
/// Writes a capture as a snapshot, chunk by chunk: the caller takes them at its own pace and puts them where
/// it likes. Nodes at equal offsets write equal bytes. For one use, on one thread at a time.
/// </summary>
public sealed class SnapshotEncoder(StoreCapture capture)
{
    private readonly ChunkBuffer _chunk = new();
    private readonly XxHash128 _all = new();
    private readonly StateDigest _state = new();
    private readonly StateDigest _base = Snapshots.StateDigest.OfBase(capture.Header);
    private readonly List<(SectionKind Section, long Count)> _counts = [];

    /// <summary>Final when the last chunk was taken.</summary>
    public Digest StateDigest => _state.Value;

    /// <summary>As <see cref="StateDigest"/>, of what a base carries over.</summary>
    internal Digest BaseDigest => _base.Value;

    /// <summary>The snapshot's bytes, in order. Each piece is valid until the next is asked for.</summary>
    public IEnumerable<ReadOnlyMemory<byte>> Chunks()
    {
        byte[] preamble = SnapshotFormat.Preamble();
        _all.Append(preamble);
        yield return preamble;
        IEnumerable<ReadOnlyMemory<byte>>[] sections =
        [
            Section(SectionKind.Header, [capture.Header], SnapshotRecords.WriteHeader),
            Section(SectionKind.Keys, Keys(), SnapshotRecords.WriteKey),
            Section(SectionKind.Producers, capture.Producers, SnapshotRecords.WriteProducer),
            Section(SectionKind.Requests, capture.Requests, SnapshotRecords.WriteRequest),
            Section(SectionKind.ChainHistory, capture.ChainHistory, SnapshotRecords.WriteLink),
            Section(
                SectionKind.KeyHistory,
                KeyHistory.Capture(capture.Keys, capture.Header.CompactedRevision),
                SnapshotRecords.WriteHistory),
            Section(SectionKind.Leases, capture.Leases, SnapshotRecords.WriteLease),
            Section(SectionKind.Auth, capture.Auth.Capture(), AuthRecordCodec.Write),
            Section(SectionKind.Alarms, capture.Alarms, SnapshotRecords.WriteAlarm),
            Section(SectionKind.ClusterSettings, capture.Cluster, SnapshotRecords.WriteCluster),
        ];
        foreach (IEnumerable<ReadOnlyMemory<byte>> section in sections)
        {
            foreach (ReadOnlyMemory<byte> chunk in section)
            {
                yield return chunk;
            }
        }
        yield return Footer();
    }

    private IEnumerable<KeyRecord> Keys()
    {
        foreach ((_, KeyRecord record) in capture.Keys.Live.Scan())
        {
            yield return record;
        }
    }

    // A section without records leaves no trace: a build that has one more writes the same bytes as before.
    private IEnumerable<ReadOnlyMemory<byte>> Section<T>(
        SectionKind section, IEnumerable<T> records, Action<ByteWriter, T> write)
    {
        var writer = new ByteWriter(_chunk);
        long count = 0;
        _chunk.Begin(section);
        foreach (T record in records)
        {
            if (count == 0)
            {
                _state.Begin(section);
                _base.Begin(section);
            }
            write(writer, record);
            count++;
            if (_chunk.PayloadLength >= KvLimits.SnapshotChunkBytesTarget)
            {
                yield return Seal(section);
                _chunk.Begin(section);
            }
        }
        if (_chunk.PayloadLength > 0)
        {
            yield return Seal(section);
        }
        if (count > 0)
        {
            _state.End(section, count);
            _base.End(section, count);
            _counts.Add((section, count));
        }
    }

    private ReadOnlyMemory<byte> Seal(SectionKind section)
    {
        _state.Append(section, _chunk.Payload);
        _base.Append(section, _chunk.Payload);
        ReadOnlyMemory<byte> chunk = _chunk.Seal();
        _all.Append(chunk.Span);
        return chunk;
    }

    private ReadOnlyMemory<byte> Footer()
    {
        _chunk.Begin(SectionKind.Footer);
        var writer = new ByteWriter(_chunk);
        writer.U8((byte)_counts.Count);
        foreach ((SectionKind section, long count) in _counts)
        {
            writer.U8((byte)section);
            writer.I64(count);
        }
        writer.Digest(_state.Value);
        UInt128 all = _all.GetCurrentHashAsUInt128();
        writer.Digest(new Digest((ulong)(all >> 64), (ulong)all));
        return _chunk.Seal();
    }
}
