using System.Buffers.Binary;

namespace Kv.Actors.Journal;

/// <summary>
/// Reads a segment's records in order and gives none that is not the one written there. It holds the whole
/// segment, which is bounded by <see cref="Kv.Core.KvLimits.JournalSegmentBytes"/> and one run of records.
/// </summary>
internal sealed class SegmentReader
{
    private readonly byte[] _bytes;
    private readonly ulong _markSeed;

    private SegmentReader(byte[] bytes, JournalFormat.Header header)
    {
        _bytes = bytes;
        Header = header;
        At = header.Before;
        _markSeed = JournalFormat.SeedOfMarks(bytes);
        WholeBytes = JournalFormat.HeaderBytes;
    }

    internal JournalFormat.Header Header { get; }

    /// <summary>The last record read.</summary>
    internal JournalPoint At { get; private set; }

    /// <summary>Bytes from the segment's start that were found whole so far.</summary>
    internal int WholeBytes { get; private set; }

    /// <summary>Bytes behind those.</summary>
    internal int BytesLeft => _bytes.Length - WholeBytes;

    /// <summary>Why nothing can be read from there on; empty: nothing is wrong.</summary>
    internal string Fault { get; private set; } = "";

    /// <summary>
    /// What is wrong was known to be on disk once: it is no write that a crash cut off.
    /// </summary>
    internal bool WasOnDisk { get; private set; }

    /// <exception cref="FormatException">Its header cannot be used.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    internal static SegmentReader Open(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        return new SegmentReader(bytes, JournalFormat.ReadHeader(bytes));
    }

    /// <exception cref="FormatException">It cannot be used.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    internal static JournalFormat.Header ReadHeader(string path)
    {
        byte[] bytes = new byte[JournalFormat.HeaderBytes];
        using FileStream file = File.OpenRead(path);
        int length = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return JournalFormat.ReadHeader(bytes.AsMemory(0, length));
    }

    /// <returns>False at the end: of the segment, or of what is whole; see <see cref="Fault"/>.</returns>
    internal bool TryNext(out JournalRecord record)
    {
        record = default;
        while (Fault.Length == 0 && BytesLeft > 0)
        {
            if (BytesLeft < sizeof(int))
            {
                return Fail("a record's length is cut off");
            }
            int length = BinaryPrimitives.ReadInt32LittleEndian(_bytes.AsSpan(WholeBytes));
            if (length != JournalFormat.MarkLength)
            {
                return TryTake(length, out record);
            }
            if (JournalFormat.ReadMark(_bytes.AsMemory(WholeBytes), WholeBytes, _markSeed) is null)
            {
                return Fail("a mark does not match its checksum");
            }
            WholeBytes += JournalFormat.MarkBytes;
        }
        return false;
    }

    private bool TryTake(int length, out JournalRecord record)
    {
        record = default;
        long bytes = JournalFormat.RecordHeadBytes + (long)length + JournalFormat.ChecksumBytes;
        if (length < 0 || bytes > BytesLeft)
        {
            return Fail($"a record of {length} bytes stands where {BytesLeft} bytes are left");
        }
        Memory<byte> whole = _bytes.AsMemory(WholeBytes, (int)bytes);
        if (!JournalFormat.IsWhole(whole.Span, At.Chain))
        {
            return Fail("a record does not match its checksum");
        }
        long offset = BinaryPrimitives.ReadInt64LittleEndian(whole.Span[sizeof(int)..]);
        bool isFirst = WholeBytes == JournalFormat.HeaderBytes;
        if (offset <= At.Offset || (isFirst && offset != Header.FirstOffset))
        {
            return Fail($"a record of offset {offset} stands behind offset {At.Offset}");
        }
        ReadOnlyMemory<byte> entry = whole.Slice(JournalFormat.RecordHeadBytes, length);
        At = At.Next(offset, entry.Span);
        record = new JournalRecord(offset, entry, At.Chain);
        WholeBytes += whole.Length;
        return true;
    }

    private bool Fail(string why)
    {
        Fault = $"{why} (byte {WholeBytes})";
        WasOnDisk = FindLastSynced() > WholeBytes;
        return false;
    }

    // A later batch may have reached the disk where an earlier one did not: its mark tells how far all did.
    private long FindLastSynced()
    {
        long synced = 0;
        int from = WholeBytes;
        while (_bytes.AsSpan(from).IndexOf(JournalFormat.MarkMagic) is var found and >= 0)
        {
            int mark = from + found - JournalFormat.MarkMagicAt;
            if (mark >= WholeBytes
                && JournalFormat.ReadMark(_bytes.AsMemory(mark), mark, _markSeed) is { } told)
            {
                synced = Math.Max(synced, told);
            }
            from += found + 1;
        }
        return synced;
    }
}
