using Kv.Actors.Files;
using Kv.Core.Snapshots;
using Kv.Core.Store;

namespace Kv.Actors.Snapshots;

/// <summary>
/// A directory of snapshots: the newest two, and those of halted nodes. A file gets its name only when all of
/// it is on disk.
/// </summary>
/// <remarks>Any thread; one writer at a time, while others may load.</remarks>
/// <param name="create">Opens a draft for writing; null: a file.</param>
public sealed class SnapshotFiles(string directory, Func<string, Stream>? create = null)
{
    private const int KeptMax = 2;
    private const int BufferBytes = 262_144;
    private const string DraftExtension = ".tmp";
    private const string DamagedExtension = ".damaged";

    private readonly Func<string, Stream> _create = create ?? CreateFile;

    public string Directory { get; } = directory;

    /// <summary>Newest first.</summary>
    public IReadOnlyList<SnapshotFile> List() => System.IO.Directory.Exists(Directory)
        ?
        [
            .. System.IO.Directory.EnumerateFiles(Directory)
                .Select(SnapshotFile.Of)
                .OfType<SnapshotFile>()
                .OrderByDescending(static file => file.Offset)
                .ThenBy(static file => file.IsPinned),
        ]
        : [];

    /// <summary>
    /// The offset below which no snapshot needs the log: of the older of the two kept. Null while there are
    /// fewer.
    /// </summary>
    public long? OlderKeptOffset() => List().Where(static file => !file.IsPinned).Take(KeptMax).ToList() is
        [_, { } older] ? older.Offset : null;

    /// <summary>Writes a capture out and removes what is no longer kept.</summary>
    /// <exception cref="IOException">Not written: disk full, directory not writable.</exception>
    public async Task<SnapshotFile> SaveAsync(
        StoreCapture capture, bool isPinned, CancellationToken stopping)
    {
        SnapshotFile file = SnapshotFile.In(Directory, capture.Header.AppliedOffset, isPinned);
        await WriteAsync(file.Path, async draft =>
        {
            foreach (ReadOnlyMemory<byte> chunk in new SnapshotEncoder(capture).Chunks())
            {
                await draft.WriteAsync(chunk, stopping);
            }
            return file.Path;
        });
        RemoveOld();
        return file;
    }

    /// <summary>Takes a snapshot in from somewhere else, verified before it gets a name.</summary>
    /// <param name="objection">Why a snapshot with this header is of no use; null: it is.</param>
    /// <exception cref="SnapshotException">It must not be used.</exception>
    /// <exception cref="InvalidOperationException">There was an objection.</exception>
    public async Task<(SnapshotFile File, KeyValueStore Store)> ReceiveAsync(
        IAsyncEnumerable<ReadOnlyMemory<byte>> bytes,
        Func<SnapshotHeader, string?> objection,
        CancellationToken stopping)
    {
        var decoder = new SnapshotDecoder();
        string path = await WriteAsync(Path.Combine(Directory, "received"), async draft =>
        {
            await foreach (ReadOnlyMemory<byte> piece in bytes.WithCancellation(stopping))
            {
                decoder.Write(piece.Span);
                await draft.WriteAsync(piece, stopping);
            }
            SnapshotHeader header = decoder.Complete().Header;
            return objection(header) is { } why
                ? throw new InvalidOperationException(why)
                : SnapshotFile.In(Directory, header.AppliedOffset, isPinned: false).Path;
        });
        RemoveOld();
        return (SnapshotFile.Of(path)!, decoder.ToStore());
    }

    /// <summary>
    /// The newest snapshot that is whole. Damaged ones are set aside, so that they count for none of those
    /// kept.
    /// </summary>
    public async Task<SnapshotLoad> LoadNewestAsync(CancellationToken stopping)
    {
        List<string> warnings = [];
        foreach (SnapshotFile file in List())
        {
            try
            {
                return new SnapshotLoad(await LoadAsync(file.Path, stopping), file, warnings);
            }
            catch (SnapshotException unusable)
            {
                warnings.Add($"The snapshot {file.Path} cannot be used: {unusable.Message}");
                if (unusable.Fault != SnapshotFault.TooNew)
                {
                    SetAside(file);
                }
            }
            catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
            {
                warnings.Add($"The snapshot {file.Path} cannot be read: {unreadable.Message}");
            }
        }
        return new SnapshotLoad(null, null, warnings);
    }

    /// <summary>Reads a snapshot to its end and says what is in it, in little memory.</summary>
    /// <exception cref="SnapshotException">It must not be used.</exception>
    public static async Task<SnapshotSummary> VerifyAsync(string path, CancellationToken stopping)
    {
        var decoder = new SnapshotDecoder(keepsStore: false);
        await FeedAsync(decoder, path, stopping);
        return decoder.Complete();
    }

    /// <summary>Removes what a process that ended in the middle left behind.</summary>
    public void RemoveDrafts()
    {
        if (System.IO.Directory.Exists(Directory))
        {
            foreach (string draft in System.IO.Directory.EnumerateFiles(Directory, "*" + DraftExtension))
            {
                Remove(draft);
            }
        }
    }

    private static async Task<KeyValueStore> LoadAsync(string path, CancellationToken stopping)
    {
        var decoder = new SnapshotDecoder();
        await FeedAsync(decoder, path, stopping);
        return decoder.ToStore();
    }

    private static async Task FeedAsync(SnapshotDecoder decoder, string path, CancellationToken stopping)
    {
        await using var file = new FileStream(
            path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0,
            FileOptions.Asynchronous | FileOptions.SequentialScan);
        byte[] buffer = new byte[BufferBytes];
        int length;
        while ((length = await file.ReadAsync(buffer, stopping)) > 0)
        {
            decoder.Write(buffer.AsSpan(0, length));
        }
    }

    private async Task<string> WriteAsync(string name, Func<Stream, Task<string>> write)
    {
        System.IO.Directory.CreateDirectory(Directory);
        string draft = name + DraftExtension;
        try
        {
            string path;
            await using (Stream file = _create(draft))
            {
                path = await write(file);
                await FlushAsync(file);
            }
            File.Move(draft, path, overwrite: true);
            DirectorySync.Flush(Directory);
            return path;
        }
        catch
        {
            Remove(draft);
            throw;
        }
    }

    // An fsync may take seconds: not on a thread that others wait for.
    private static Task FlushAsync(Stream file) => file is FileStream onDisk
        ? Task.Factory.StartNew(
            () => onDisk.Flush(flushToDisk: true),
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default)
        : file.FlushAsync();

    private void RemoveOld()
    {
        foreach (SnapshotFile old in List().Where(static file => !file.IsPinned).Skip(KeptMax))
        {
            Remove(old.Path);
        }
    }

    private static void SetAside(SnapshotFile file)
    {
        try
        {
            File.Move(file.Path, file.Path + DamagedExtension, overwrite: true);
        }
        catch (Exception leftThere) when (leftThere is IOException or UnauthorizedAccessException)
        {
            // It is found damaged again the next time.
        }
    }

    private static void Remove(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception leftThere) when (leftThere is IOException or UnauthorizedAccessException)
        {
            // It only takes room; the next rotation tries again.
        }
    }

    private static FileStream CreateFile(string path) => new(
        path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0, FileOptions.Asynchronous);
}

/// <summary>What was found in a directory of snapshots.</summary>
/// <param name="Store">The store of the newest one that is whole; null: there is none.</param>
/// <param name="Warnings">What was wrong with newer ones.</param>
public sealed record SnapshotLoad(KeyValueStore? Store, SnapshotFile? File, IReadOnlyList<string> Warnings);
