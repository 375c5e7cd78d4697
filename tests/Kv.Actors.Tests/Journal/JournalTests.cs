using Kv.Actors.Journal;
using Kv.Actors.Tests.Snapshots;
using Kv.Core.Entries;

namespace Kv.Actors.Tests.Journal;

public sealed class JournalTests : IDisposable
{
    private readonly JournalDirectory _journal = new();
    private readonly JournalRecord[] _records = JournalDirectory.RecordsBehind(JournalPoint.Start, 60);

    public void Dispose() => _journal.Dispose();

    [Theory]
    [InlineData(1 << 20)]
    [InlineData(300)]
    public void What_was_written_is_read_in_order_across_segments(int segmentBytes)
    {
        _journal.Write(_records, syncs: true, segmentBytes);

        (JournalReading reading, List<JournalRecord> records) = _journal.Read(JournalPoint.Start);

        Assert.Equal(JournalOutcome.Whole, reading.Outcome);
        Assert.Equal(JournalDirectory.Show(_records), JournalDirectory.Show(records));
        Assert.Equal(_records[^1].Point, reading.End);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(20)]
    [InlineData(59)]
    public void Behind_a_place_only_what_follows_it_is_read(int index)
    {
        _journal.Write(_records, syncs: false, segmentBytes: 300);

        (JournalReading reading, List<JournalRecord> records) = _journal.Read(_records[index].Point);

        Assert.Equal(JournalOutcome.Whole, reading.Outcome);
        Assert.Equal(
            JournalDirectory.Show(_records[(index + 1)..]), JournalDirectory.Show(records));
    }

    [Fact]
    public void It_goes_on_in_the_segment_where_it_ended()
    {
        _journal.Write(_records[..30], syncs: false);

        using (JournalWriter writer = _journal.GoOn(JournalPoint.Start))
        {
            writer.Append(JournalDirectory.ClusterId, _records[30..]);
        }

        Assert.Single(_journal.Segments);
        Assert.Equal(
            JournalDirectory.Show(_records),
            JournalDirectory.Show(_journal.Read(JournalPoint.Start).Records));
    }

    [Fact]
    public void Nothing_is_read_behind_a_place_of_another_history()
    {
        _journal.Write(_records, syncs: false);

        (JournalReading reading, List<JournalRecord> records) = _journal.Read(
            new JournalPoint(_records[10].Offset, new Digest(1, 2)));

        Assert.Equal(JournalOutcome.Missing, reading.Outcome);
        Assert.Contains("another history", reading.Why);
        Assert.Empty(records);
    }

    [Fact]
    public void Nothing_is_read_of_one_that_begins_later_or_ends_earlier()
    {
        _journal.Write(_records[..30], syncs: false, segmentBytes: 300);
        File.Delete(_journal.Segments[0].Path);

        (JournalReading early, List<JournalRecord> none) = _journal.Read(_records[0].Point);
        (JournalReading late, List<JournalRecord> noneEither) = _journal.Read(_records[40].Point);

        Assert.Equal(JournalOutcome.Missing, early.Outcome);
        Assert.Contains("begins behind", early.Why);
        Assert.Equal(JournalOutcome.Behind, late.Outcome);
        Assert.Contains($"ends at offset {_records[29].Offset}", late.Why);
        Assert.Empty(none.Concat(noneEither));
    }

    [Fact]
    public void Over_a_missing_segment_nothing_is_read()
    {
        _journal.Write(_records, syncs: false, segmentBytes: 300);
        File.Delete(_journal.Segments[2].Path);

        (JournalReading reading, List<JournalRecord> records) = _journal.Read(JournalPoint.Start);

        Assert.Equal(JournalOutcome.Missing, reading.Outcome);
        Assert.Equal(
            JournalDirectory.Show(_records.Take(records.Count)), JournalDirectory.Show(records));
        Assert.Equal(records[^1].Point, reading.End);
    }

    [Fact]
    public void A_place_behind_its_end_begins_a_new_one_that_the_older_leads_not_into()
    {
        _journal.Write(_records[..20], syncs: false);

        using (JournalWriter writer = _journal.Open(_records[39].Point))
        {
            writer.Append(JournalDirectory.ClusterId, _records[40..]);
        }

        (JournalReading fromNew, List<JournalRecord> records) = _journal.Read(_records[39].Point);
        Assert.Equal(JournalOutcome.Whole, fromNew.Outcome);
        Assert.Equal(_records[39].Point, fromNew.Base);
        Assert.Equal(JournalDirectory.Show(_records[40..]), JournalDirectory.Show(records));
        (JournalReading fromOld, records) = _journal.Read(JournalPoint.Start);
        Assert.Equal(JournalOutcome.Missing, fromOld.Outcome);
        Assert.Equal(JournalDirectory.Show(_records[..20]), JournalDirectory.Show(records));
    }

    [Fact]
    public void Whole_segments_below_an_offset_are_removed()
    {
        _journal.Write(_records, syncs: false, segmentBytes: 300);
        long[] firstOffsets = [.. _journal.Segments.Select(static segment => segment.FirstOffset)];
        JournalPoint kept = _records[30].Point;

        using (JournalWriter writer = _journal.GoOn(JournalPoint.Start))
        {
            writer.RemoveBelow(kept.Offset);
        }

        int keptSegments = firstOffsets.Length - firstOffsets.Count(first => first <= kept.Offset) + 1;
        Assert.Equal(firstOffsets[^keptSegments..], _journal.Segments.Select(static s => s.FirstOffset));
        Assert.Equal(
            JournalDirectory.Show(_records[31..]), JournalDirectory.Show(_journal.Read(kept).Records));
    }

    [Fact]
    public void A_write_that_a_full_disk_cut_off_is_not_read_and_a_new_writer_goes_on()
    {
        JournalWriter writer = JournalWriter.Open(
            _journal.Path,
            _journal.Read(JournalPoint.Start).Reading,
            JournalPoint.Start,
            static path => new FullDisk(File.Create(path), bytesMax: 400));
        writer.Append(JournalDirectory.ClusterId, _records[..3]);

        Assert.Throws<IOException>(() => writer.Append(JournalDirectory.ClusterId, _records[3..]));
        writer.Dispose();

        JournalPoint end = _journal.Read(JournalPoint.Start).Reading.End;
        Assert.Equal(_records[2].Point, end);
        using JournalWriter next = _journal.GoOn(JournalPoint.Start);
        next.Append(JournalDirectory.ClusterId, _records[3..]);
        Assert.Equal(60, _journal.Read(JournalPoint.Start).Records.Count);
    }

    [Fact]
    public void Of_a_giant_message_all_is_kept()
    {
        byte[] giant = new byte[3 << 20];
        new Random(1).NextBytes(giant);
        JournalPoint at = JournalPoint.Start.Next(7, giant);

        using (JournalWriter writer = _journal.Open(JournalPoint.Start))
        {
            writer.Append(JournalDirectory.ClusterId, [new JournalRecord(7, giant, at.Chain)]);
        }

        JournalRecord read = Assert.Single(_journal.Read(JournalPoint.Start).Records);
        Assert.True(read.Entry.Span.SequenceEqual(giant));
    }
}
