using Kv.Actors.Journal;

namespace Kv.Actors.Tests.Journal;

/// <summary>Whatever became of the bytes, a replay gives a prefix of what was written, and says so.</summary>
public sealed class JournalDamageTests : IDisposable
{
    private readonly JournalDirectory _journal = new();
    private readonly JournalRecord[] _records = JournalDirectory.RecordsBehind(JournalPoint.Start, 30);

    public void Dispose() => _journal.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_flipped_bit_anywhere_ends_in_a_prefix_and_a_word_about_it(bool syncs)
    {
        _journal.Write(_records, syncs, segmentBytes: 300);
        Assert.True(_journal.Segments.Count > 2);
        string[] written = [.. JournalDirectory.Show(_records)];

        foreach (JournalSegment segment in _journal.Segments)
        {
            byte[] bytes = File.ReadAllBytes(segment.Path);
            for (int i = 0; i < bytes.Length; i++)
            {
                bytes[i] ^= (byte)(1 << (i % 8));
                File.WriteAllBytes(segment.Path, bytes);
                bytes[i] ^= (byte)(1 << (i % 8));

                (JournalReading reading, List<JournalRecord> records) = _journal.Read(JournalPoint.Start);

                string because = $"{segment.Path} byte {i}: {reading}";
                Assert.True(
                    written.Take(records.Count).SequenceEqual(JournalDirectory.Show(records)), because);
                Assert.True(
                    reading.Outcome is JournalOutcome.Damaged or JournalOutcome.TornTail, because);
                Assert.True(reading.Why.Contains(segment.Path, StringComparison.Ordinal), because);
            }
            File.WriteAllBytes(segment.Path, bytes);
        }
    }

    [Fact]
    public void What_was_on_disk_once_is_damage_and_what_was_not_a_torn_tail()
    {
        using (JournalWriter writer = _journal.Open(JournalPoint.Start))
        {
            writer.Append(JournalDirectory.ClusterId, _records[..3]);
            writer.Sync();
            writer.Append(JournalDirectory.ClusterId, _records[3..6]);
            writer.Append(JournalDirectory.ClusterId, _records[6..9]);
            File.Copy(_journal.Newest, _journal.Newest + ".kill");
        }
        // As a crash left it: without the mark of an orderly end.
        string path = _journal.Newest;
        File.Move(path + ".kill", path, overwrite: true);
        byte[] bytes = File.ReadAllBytes(path);
        int beforeMark = bytes.AsSpan().IndexOf(JournalFormat.MarkMagic);

        Assert.Equal(JournalOutcome.Damaged, OutcomeOfFlip(beforeMark - 20));
        Assert.Equal(JournalOutcome.TornTail, OutcomeOfFlip(beforeMark + JournalFormat.MarkBytes + 2));
        Assert.Equal(JournalOutcome.TornTail, OutcomeOfFlip(bytes.Length - 1));

        JournalOutcome OutcomeOfFlip(int at)
        {
            byte[] flipped = [.. bytes];
            flipped[at] ^= 1;
            File.WriteAllBytes(path, flipped);
            return _journal.Read(JournalPoint.Start).Reading.Outcome;
        }
    }

    [Fact]
    public void Cut_anywhere_the_rest_is_read_and_it_goes_on_from_there()
    {
        _journal.Write(_records, syncs: false);
        string path = _journal.Newest;
        byte[] bytes = File.ReadAllBytes(path);

        for (int length = JournalFormat.HeaderBytes; length < bytes.Length; length += 7)
        {
            File.WriteAllBytes(path, bytes[..length]);

            GoesOnBehindWhatIsWhole();
        }
    }

    [Fact]
    public void Pages_that_never_reached_the_disk_are_a_torn_tail()
    {
        _journal.Write(_records, syncs: false);
        byte[] bytes = File.ReadAllBytes(_journal.Newest);
        // The orderly end and its mark are gone with them.
        bytes.AsSpan(bytes.Length / 2).Clear();
        File.WriteAllBytes(_journal.Newest, bytes);

        (JournalReading reading, List<JournalRecord> records) = _journal.Read(JournalPoint.Start);

        Assert.Equal(JournalOutcome.TornTail, reading.Outcome);
        Assert.InRange(records.Count, 10, 20);
        Assert.Equal(
            JournalDirectory.Show(_records.Take(records.Count)), JournalDirectory.Show(records));
    }

    [Fact]
    public void Behind_damage_it_goes_on_and_what_was_damaged_is_kept_for_a_person()
    {
        _journal.Write(_records, syncs: false, segmentBytes: 300);
        JournalSegment damaged = _journal.Segments[1];
        byte[] bytes = File.ReadAllBytes(damaged.Path);
        bytes[^60] ^= 1;
        File.WriteAllBytes(damaged.Path, bytes);

        GoesOnBehindWhatIsWhole();

        Assert.Equal(bytes, File.ReadAllBytes(damaged.Path + JournalSegment.SetAsideExtension));
    }

    /// <summary>What was lost is written again, and all of it is read then.</summary>
    private void GoesOnBehindWhatIsWhole()
    {
        int whole = _journal.Read(JournalPoint.Start).Records.Count;
        using (JournalWriter writer = _journal.GoOn(JournalPoint.Start))
        {
            writer.Append(JournalDirectory.ClusterId, _records[whole..]);
        }
        (JournalReading reading, List<JournalRecord> records) = _journal.Read(JournalPoint.Start);
        Assert.Equal(JournalOutcome.Whole, reading.Outcome);
        Assert.Equal(JournalDirectory.Show(_records), JournalDirectory.Show(records));
    }
}
