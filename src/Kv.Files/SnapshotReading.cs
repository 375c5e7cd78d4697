using Kv.Core.Snapshots;
using Kv.Core.Store;

namespace Kv.Files;

/// <summary>Single snapshots, wherever they lie.</summary>
public static class SnapshotReading
{
    private const int BufferBytes = 262_144;

    /// <summary>Reads a snapshot to its end and says what is in it, in little memory.</summary>
    /// <exception cref="SnapshotException">It must not be used.</exception>
    public static async Task<SnapshotSummary> VerifyAsync(string path, CancellationToken stopping)
    {
        var decoder = new SnapshotDecoder(keepsStore: false);
        await FeedAsync(decoder, path, stopping);
        return decoder.Complete();
    }

    /// <summary>Reads a snapshot to its end and makes the store that it has in it.</summary>
    /// <param name="rules">For the store; null: those of this build.</param>
    /// <exception cref="SnapshotException">It must not be used.</exception>
    public static async Task<(KeyValueStore Store, SnapshotSummary Summary)> LoadAsync(
        string path, CancellationToken stopping, StoreRules? rules = null)
    {
        var decoder = new SnapshotDecoder(rules: rules);
        await FeedAsync(decoder, path, stopping);
        return (decoder.ToStore(), decoder.Complete());
    }

    /// <summary>
    /// Writes a snapshot that comes from elsewhere to a file of its own, verified before it gets the name.
    /// </summary>
    /// <exception cref="SnapshotException">It must not be used; nothing was written.</exception>
    public static async Task<SnapshotSummary> SaveAsync(
        string path, IAsyncEnumerable<ReadOnlyMemory<byte>> bytes, CancellationToken stopping)
    {
        string file = Path.GetFullPath(path);
        var decoder = new SnapshotDecoder(keepsStore: false);
        await DurableFile.WriteAsync(file, async draft =>
        {
            await foreach (ReadOnlyMemory<byte> piece in bytes.WithCancellation(stopping))
            {
                decoder.Write(piece.Span);
                await draft.WriteAsync(piece, stopping);
            }
            decoder.Complete();
            return file;
        });
        return decoder.Complete();
    }

    private static async Task FeedAsync(SnapshotDecoder decoder, string path, CancellationToken stopping)
    {
        await using var file = new FileStream(
            path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0,
            FileOptions.Asynchronous | FileOptions.SequentialScan);
        byte[] buffer = new byte[BufferBytes];
        long left = await SnapshotTrailer.SnapshotLengthAsync(file, stopping);
        int length;
        while ((length = await file.ReadAsync(
            buffer.AsMemory(0, (int)Math.Min(buffer.Length, left)), stopping)) > 0)
        {
            decoder.Write(buffer.AsSpan(0, length));
            left -= length;
        }
    }
}
