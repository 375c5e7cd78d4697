using System.Buffers;
using Kv.Core;
using Kv.Files;

namespace Kv.Actors.Journal;

/// <summary>
/// Writes applied messages to the end of a journal: to the page cache, and to the disk when asked to.
/// </summary>
/// <remarks>
/// Blocks on I/O; one caller at a time. After an exception it must not be used any more: what it wrote last
/// may be there in part.
/// </remarks>
public sealed class JournalWriter : IDisposable
{
    private readonly string _directory;
    private readonly Func<string, Stream> _create;
    private readonly int _segmentBytes;
    private readonly ArrayBufferWriter<byte> _batch = new();
    private Stream? _file;
    private ulong _markSeed;
    private long _length;

    // Up to where the segment's bytes are on disk, and up to where its last mark says so.
    private long _syncedLength;
    private long _markedLength;
    private bool _failed;

    private JournalWriter(
        string directory, JournalPoint at, Func<string, Stream>? create, int segmentBytes)
    {
        _directory = directory;
        _create = create ?? CreateFile;
        _segmentBytes = segmentBytes;
        Written = at;
        Synced = at;
        Base = at;
    }

    /// <summary>The history before this place is not in the journal: a snapshot has to have it.</summary>
    public JournalPoint Base { get; private set; }

    /// <summary>The last record written: it outlives this process.</summary>
    public JournalPoint Written { get; private set; }

    /// <summary>The last record on disk: it outlives a loss of power.</summary>
    public JournalPoint Synced { get; private set; }

    /// <summary>
    /// Goes on at <paramref name="at"/>: where that is the end of what was read, in the same segment, whose
    /// unusable rest is cut off; else in a new one, and what is in the way is set aside.
    /// </summary>
    /// <param name="reading">What was read of this directory, nothing having written to it since.</param>
    /// <param name="create">Opens a new file for writing; null: on disk.</param>
    /// <exception cref="IOException">The directory cannot be written to.</exception>
    public static JournalWriter Open(
        string directory,
        JournalReading reading,
        JournalPoint at,
        Func<string, Stream>? create = null,
        int segmentBytes = KvLimits.JournalSegmentBytes)
    {
        Directory.CreateDirectory(directory);
        foreach (string draft in Directory.EnumerateFiles(directory, "*" + JournalSegment.DraftExtension))
        {
            File.Delete(draft);
        }
        var writer = new JournalWriter(directory, at, create, segmentBytes);
        foreach (JournalSegment later in JournalSegment.List(directory))
        {
            if (later.FirstOffset > at.Offset)
            {
                File.Move(later.Path, later.Path + JournalSegment.SetAsideExtension, overwrite: true);
            }
        }
        if (reading.Segment is not null && reading.End == at)
        {
            writer.Base = reading.Base;
            if (reading.WholeBytes > JournalFormat.HeaderBytes)
            {
                writer.GoOnIn(reading);
            }
        }
        DirectorySync.Flush(directory);
        return writer;
    }

    /// <summary>Writes a run of records, in one write to a file.</summary>
    /// <exception cref="IOException">Disk full, or the like: use another writer.</exception>
    public void Append(ulong clusterId, IReadOnlyList<JournalRecord> records)
    {
        if (records.Count == 0)
        {
            return;
        }
        if (_file is null || _length >= _segmentBytes)
        {
            BeginSegment(clusterId, records[0].Offset);
        }
        _batch.ResetWrittenCount();
        if (_syncedLength > _markedLength)
        {
            JournalFormat.WriteMark(_batch, _length, _syncedLength, _markSeed);
            _markedLength = _syncedLength;
        }
        JournalPoint at = Written;
        foreach (JournalRecord record in records)
        {
            JournalFormat.WriteRecord(_batch, record, at.Chain);
            at = record.Point;
        }
        _failed = true;
        _file!.Write(_batch.WrittenSpan);
        _failed = false;
        _length += _batch.WrittenCount;
        Written = at;
        if (_batch.Capacity > KvLimits.JournalPendingBytesMax)
        {
            // One giant message must not keep its room for ever.
            _batch.Clear();
        }
    }

    /// <summary>When it returns, all that was written is on disk.</summary>
    /// <exception cref="IOException">Nobody knows what is: use another writer.</exception>
    public void Sync()
    {
        if (_file is null || _syncedLength == _length)
        {
            Synced = Written;
            return;
        }
        _failed = true;
        FlushToDisk(_file);
        _failed = false;
        _syncedLength = _length;
        Synced = Written;
    }

    /// <summary>
    /// Removes whole segments that no snapshot at or behind this offset needs. The newest stays.
    /// </summary>
    /// <exception cref="IOException">Some are still there, and only take room.</exception>
    public void RemoveBelow(long offset)
    {
        IReadOnlyList<JournalSegment> segments = JournalSegment.List(_directory);
        for (int i = 0; i + 1 < segments.Count; i++)
        {
            JournalPoint before;
            try
            {
                before = SegmentReader.ReadHeader(segments[i + 1].Path).Before;
            }
            catch (FormatException)
            {
                return;
            }
            if (before.Offset > offset)
            {
                return;
            }
            File.Delete(segments[i].Path);
        }
    }

    /// <summary>Brings all to the disk and says so, as far as that still works.</summary>
    public void Dispose()
    {
        if (_file is not { } file)
        {
            return;
        }
        _file = null;
        try
        {
            if (_failed)
            {
                file.SetLength(_length);
                return;
            }
            FlushToDisk(file);
            _batch.ResetWrittenCount();
            JournalFormat.WriteMark(_batch, _length, _length, _markSeed);
            file.Write(_batch.WrittenSpan);
        }
        catch (Exception cause) when (cause is IOException or NotSupportedException)
        {
            // The next start finds out how far it is whole.
        }
        finally
        {
            file.Dispose();
        }
    }

    private void GoOnIn(JournalReading reading)
    {
        string path = reading.Segment!.Path;
        if (reading.Outcome == JournalOutcome.Damaged && new FileInfo(path).Length > reading.WholeBytes)
        {
            // What cannot be read now is for an operator to look at.
            File.Copy(path, path + JournalSegment.SetAsideExtension, overwrite: true);
        }
        var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0);
        byte[] header = new byte[JournalFormat.HeaderBytes];
        file.ReadExactly(header);
        file.SetLength(reading.WholeBytes);
        file.Seek(0, SeekOrigin.End);
        file.Flush(flushToDisk: true);
        _file = file;
        _markSeed = JournalFormat.SeedOfMarks(header);
        _length = _syncedLength = reading.WholeBytes;
    }

    private void BeginSegment(ulong clusterId, long firstOffset)
    {
        if (_file is { } full)
        {
            // Damage in a segment that is not the newest is never taken for a torn tail: all of it has to be
            // on disk before the next one exists.
            Sync();
            Dispose();
        }
        JournalSegment segment = JournalSegment.In(_directory, firstOffset);
        string draft = segment.Path + JournalSegment.DraftExtension;
        byte[] header = JournalFormat.Encode(new JournalFormat.Header(clusterId, Written, firstOffset));
        Stream file = _create(draft);
        try
        {
            file.Write(header);
            FlushToDisk(file);
            File.Move(draft, segment.Path, overwrite: false);
            DirectorySync.Flush(_directory);
        }
        catch
        {
            file.Dispose();
            throw;
        }
        _file = file;
        _markSeed = JournalFormat.SeedOfMarks(header);
        _length = _syncedLength = _markedLength = header.Length;
    }

    private static void FlushToDisk(Stream file)
    {
        if (file is FileStream onDisk)
        {
            onDisk.Flush(flushToDisk: true);
        }
        else
        {
            file.Flush();
        }
    }

    private static FileStream CreateFile(string path) => new(
        path, FileMode.Create, FileAccess.Write, FileShare.Read | FileShare.Delete, bufferSize: 0);
}
