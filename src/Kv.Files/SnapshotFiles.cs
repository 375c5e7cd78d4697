using Kv.Core.Entries;
using Kv.Core.Snapshots;
using Kv.Core.Store;

namespace Kv.Files;

/// <summary>
/// A directory of snapshots: the newest two, and those of halted nodes. A file gets its name only when all of
/// it is on disk.
/// </summary>
/// <remarks>Any thread; one writer at a time, while others may load.</remarks>
/// <param name="create">Opens a draft for writing; null: a file.</param>
/// <param name="rules">For the stores that are read; null: those of this build.</param>
public sealed class SnapshotFiles(
    string directory, Func<string, Stream>? create = null, StoreRules? rules = null)
{
    private const int KeptMax = 2;
    private const string DamagedExtension = ".damaged";

    public string Directory { get; } = directory;

    /// <summary>For stores that begin here; null: those of this build.</summary>
    public StoreRules? Rules { get; } = rules;

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
    /// fewer, and while the older is a base, which needs all of the log.
    /// </summary>
    public long? OlderKeptOffset() => List().Where(static file => !file.IsPinned).Take(KeptMax).ToList() is
        [_, { IsBase: false } older] ? older.Offset : null;

    /// <summary>The genesis of the cluster to found here: the base is all there is. Null: none is.</summary>
    /// <exception cref="SnapshotException">It is damaged.</exception>
    public async Task<Genesis?> ReadBaseAsync(CancellationToken stopping) => List() is [{ IsBase: true } only]
        ? (await SnapshotReading.VerifyAsync(only.Path, stopping)).Header.Genesis
        : null;

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
        var decoder = new SnapshotDecoder(rules: Rules);
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
                (KeyValueStore store, _) = await SnapshotReading.LoadAsync(file.Path, stopping, Rules);
                return new SnapshotLoad(store, file, warnings);
            }
            catch (SnapshotException refused) when (refused.Fault == SnapshotFault.OtherVersion)
            {
                // An older one would lead to the same version again.
                return new SnapshotLoad(null, null, warnings)
                {
                    Refusal = $"The snapshot {file.Path} cannot be used. {refused.Message}",
                };
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

    /// <summary>Removes what a process that ended in the middle left behind.</summary>
    public void RemoveDrafts()
    {
        if (System.IO.Directory.Exists(Directory))
        {
            foreach (string draft in System.IO.Directory.EnumerateFiles(
                Directory, "*" + DurableFile.DraftExtension))
            {
                DurableFile.Remove(draft);
            }
        }
    }

    private Task<string> WriteAsync(string name, Func<Stream, Task<string>> write)
    {
        System.IO.Directory.CreateDirectory(Directory);
        return DurableFile.WriteAsync(name, write, create);
    }

    private void RemoveOld()
    {
        foreach (SnapshotFile old in List().Where(static file => !file.IsPinned).Skip(KeptMax))
        {
            DurableFile.Remove(old.Path);
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
}

/// <summary>What was found in a directory of snapshots.</summary>
/// <param name="Store">The store of the newest one that is whole; null: there is none.</param>
/// <param name="Warnings">What was wrong with newer ones.</param>
public sealed record SnapshotLoad(KeyValueStore? Store, SnapshotFile? File, IReadOnlyList<string> Warnings)
{
    /// <summary>Why this build must not run on the directory; null: it may.</summary>
    public string? Refusal { get; init; }
}
