namespace Kv.Actors.Journal;

/// <summary>Reads a journal from a place in history on.</summary>
internal static class JournalReader
{
    /// <summary>
    /// Gives every record behind <paramref name="from"/> whose whole way from there is intact. Changes
    /// nothing.
    /// </summary>
    /// <param name="take">
    /// Gets each record, in order; its bytes are valid during the call. Answers why it takes no more, or
    /// null.
    /// </param>
    /// <remarks>Blocks on I/O. Nothing may write the journal meanwhile.</remarks>
    /// <exception cref="IOException">It cannot be read.</exception>
    internal static JournalReading Read(
        string directory, JournalPoint from, Func<JournalRecord, string?> take, CancellationToken stopping)
    {
        IReadOnlyList<JournalSegment> segments = JournalSegment.List(directory);
        if (segments.Count == 0)
        {
            return JournalReading.None;
        }
        int first = segments.Count - 1;
        while (first > 0 && BeginsBehind(segments[first], from.Offset))
        {
            first--;
        }
        var walk = new Walk(from, take);
        for (int i = first; i < segments.Count; i++)
        {
            stopping.ThrowIfCancellationRequested();
            if (!walk.TryRead(segments[i], isNewest: i == segments.Count - 1))
            {
                break;
            }
        }
        return walk.Reading();
    }

    private static bool BeginsBehind(JournalSegment segment, long offset)
    {
        try
        {
            return SegmentReader.ReadHeader(segment.Path).Before.Offset > offset;
        }
        catch (FormatException)
        {
            return segment.FirstOffset > offset;
        }
    }

    private sealed class Walk(JournalPoint from, Func<JournalRecord, string?> take)
    {
        private JournalPoint _base = JournalPoint.Start;
        private JournalPoint? _at;
        private bool _joined;
        private JournalOutcome _outcome = JournalOutcome.Whole;
        private long _records;
        private JournalSegment? _segment;
        private int _wholeBytes;
        private string _why = "";

        /// <returns>False: nothing can be read behind it.</returns>
        internal bool TryRead(JournalSegment segment, bool isNewest)
        {
            SegmentReader reader;
            try
            {
                reader = SegmentReader.Open(segment.Path);
            }
            catch (FormatException unusable)
            {
                return Stop(JournalOutcome.Damaged, $"{segment.Path}: {unusable.Message}");
            }
            if (Objection(reader.Header.Before) is { } objection)
            {
                return Stop(JournalOutcome.Missing, $"{segment.Path} {objection}");
            }
            _segment = segment;
            Note(reader);
            while (reader.TryNext(out JournalRecord record))
            {
                if (Give(record) is { } refused)
                {
                    return Stop(JournalOutcome.Missing, $"{segment.Path}: {refused}");
                }
                Note(reader);
            }
            Note(reader);
            if (reader.Fault.Length == 0)
            {
                return true;
            }
            bool isTorn = isNewest && !reader.WasOnDisk;
            return Stop(
                isTorn ? JournalOutcome.TornTail : JournalOutcome.Damaged,
                isTorn
                    ? $"the last {reader.BytesLeft} bytes of {segment.Path} were not written to their end: "
                        + reader.Fault
                    : $"{segment.Path} is damaged: {reader.Fault}; {reader.BytesLeft} bytes there cannot be "
                        + "used");
        }

        internal JournalReading Reading()
        {
            if (!_joined && _outcome is JournalOutcome.Whole or JournalOutcome.TornTail)
            {
                _outcome = JournalOutcome.Behind;
                _why = $"it ends at offset {_at?.Offset}, before offset {from.Offset}";
            }
            return new JournalReading(
                _outcome, _base, _at ?? JournalPoint.Start, _records, _segment, _wholeBytes, _why);
        }

        private void Note(SegmentReader reader)
        {
            _at = reader.At;
            _wholeBytes = reader.WholeBytes;
        }

        private string? Objection(JournalPoint before)
        {
            if (_at is { } at)
            {
                return before == at ? null : $"goes on from offset {before.Offset}, not from {at.Offset}";
            }
            if (before.Offset > from.Offset)
            {
                return $"begins behind offset {before.Offset}; what is before it, from offset {from.Offset} "
                    + "on, is not there";
            }
            _base = before;
            _joined = before == from;
            return before.Offset == from.Offset && !_joined
                ? $"has another history to offset {from.Offset}"
                : null;
        }

        private string? Give(in JournalRecord record)
        {
            if (_joined)
            {
                if (take(record) is { } refused)
                {
                    return refused;
                }
                _records++;
                return null;
            }
            if (record.Offset < from.Offset)
            {
                return null;
            }
            _joined = record.Point == from;
            return _joined ? null : $"it has another history to offset {from.Offset}";
        }

        private bool Stop(JournalOutcome outcome, string why)
        {
            _outcome = outcome;
            _why = why;
            return false;
        }
    }
}

/// <summary>How reading a journal ended.</summary>
/// <param name="Base">Where the segments that were read begin.</param>
/// <param name="End">The last record that was read, given or skipped.</param>
/// <param name="Records">How many were given.</param>
/// <param name="Segment">Where it ended; null: no segment can be used.</param>
/// <param name="WholeBytes">Bytes from that segment's start up to there.</param>
/// <param name="Why">For every outcome but Empty and Whole: what is wrong, for a person.</param>
public sealed record JournalReading(
    JournalOutcome Outcome,
    JournalPoint Base,
    JournalPoint End,
    long Records,
    JournalSegment? Segment,
    int WholeBytes,
    string Why)
{
    /// <summary>There is nothing to go on from.</summary>
    public static readonly JournalReading None = new(
        JournalOutcome.Empty, JournalPoint.Start, JournalPoint.Start, 0, null, 0, "");
}

public enum JournalOutcome
{
    /// <summary>There is no journal.</summary>
    Empty = 1,

    /// <summary>All of it was read.</summary>
    Whole = 2,

    /// <summary>
    /// All but a last write that a crash cut off before it was known to be on disk.
    /// </summary>
    TornTail = 3,

    /// <summary>
    /// What once was on disk is damaged. Up to there it was read; nothing behind it is.
    /// </summary>
    Damaged = 4,

    /// <summary>
    /// It does not lead on, from the place asked for or from one segment to the next. Up to there it was
    /// read.
    /// </summary>
    Missing = 5,

    /// <summary>
    /// It ends before the place asked for: a crash came before the last messages applied were written.
    /// </summary>
    Behind = 6,
}
