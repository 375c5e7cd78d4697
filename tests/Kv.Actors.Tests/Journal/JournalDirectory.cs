using Kv.Actors.Journal;
using Kv.Core;

namespace Kv.Actors.Tests.Journal;

/// <summary>A journal in a directory of its own, and the records that belong into it.</summary>
internal sealed class JournalDirectory : IDisposable
{
    internal const ulong ClusterId = 0xC0FFEE;

    internal string Path { get; } = Directory.CreateTempSubdirectory("kv-journal-").FullName;

    internal IReadOnlyList<JournalSegment> Segments => JournalSegment.List(Path);

    internal string Newest => Segments[^1].Path;

    public void Dispose() => Directory.Delete(Path, recursive: true);

    /// <summary>Records behind a place, at offsets with gaps, of 0 to 39 bytes.</summary>
    internal static JournalRecord[] RecordsBehind(JournalPoint from, int count)
    {
        var random = new Random(17);
        var records = new JournalRecord[count];
        JournalPoint at = from;
        for (int i = 0; i < count; i++)
        {
            byte[] entry = new byte[random.Next(40)];
            random.NextBytes(entry);
            at = at.Next(at.Offset + 1 + (i % 3), entry);
            records[i] = new JournalRecord(at.Offset, entry, at.Chain);
        }
        return records;
    }

    internal JournalWriter Open(JournalPoint at, int segmentBytes = KvLimits.JournalSegmentBytes) =>
        JournalWriter.Open(Path, Read(at).Reading, at, segmentBytes: segmentBytes);

    /// <summary>Reads to the end and goes on there.</summary>
    internal JournalWriter GoOn(JournalPoint from)
    {
        JournalReading reading = Read(from).Reading;
        return JournalWriter.Open(Path, reading, reading.End);
    }

    /// <summary>Writes runs of three records, with an fsync after every second run if asked for.</summary>
    internal void Write(JournalRecord[] records, bool syncs, int segmentBytes = KvLimits.JournalSegmentBytes)
    {
        using JournalWriter writer = Open(JournalPoint.Start, segmentBytes);
        bool second = false;
        foreach (JournalRecord[] run in records.Chunk(3))
        {
            writer.Append(ClusterId, run);
            if (syncs && second)
            {
                writer.Sync();
            }
            second = !second;
        }
    }

    internal (JournalReading Reading, List<JournalRecord> Records) Read(JournalPoint from)
    {
        List<JournalRecord> records = [];
        JournalReading reading = JournalReader.Read(
            Path,
            from,
            record =>
            {
                records.Add(record);
                return null;
            },
            CancellationToken.None);
        return (reading, records);
    }

    /// <summary>Offsets, chains and bytes: what a replay must not get wrong.</summary>
    internal static IEnumerable<string> Show(IEnumerable<JournalRecord> records) =>
        records.Select(static record =>
            $"{record.Offset} {record.Chain} {Convert.ToHexString(record.Entry.Span)}");
}
