namespace Kv.Files;

/// <summary>Files that are as they were or as they should be, whatever fails meanwhile.</summary>
public static class DurableFile
{
    internal const string DraftExtension = ".tmp";

    /// <summary>
    /// Replaces a file, or makes it: draft beside it, fsync, rename, fsync of the directory. On disk when it
    /// returns.
    /// </summary>
    /// <exception cref="IOException">
    /// It is as it was, or already as it should be but perhaps not durable.
    /// </exception>
    public static void Replace(string path, ReadOnlySpan<byte> content)
    {
        string draft = path + DraftExtension;
        using (var file = new FileStream(draft, FileMode.Create, FileAccess.Write))
        {
            file.Write(content);
            file.Flush(flushToDisk: true);
        }
        File.Move(draft, path, overwrite: true);
        DirectorySync.Flush(Path.GetDirectoryName(path)!);
    }

    /// <summary>As <see cref="Replace"/>, for content that comes bit by bit.</summary>
    /// <param name="name">Of the draft, without its extension.</param>
    /// <param name="write">Writes the content and says which file it is to become.</param>
    /// <param name="create">Opens the draft; null: a file.</param>
    /// <returns>The file's path.</returns>
    internal static async Task<string> WriteAsync(
        string name, Func<Stream, Task<string>> write, Func<string, Stream>? create = null)
    {
        string draft = name + DraftExtension;
        try
        {
            string path;
            await using (Stream file = (create ?? CreateFile)(draft))
            {
                path = await write(file);
                await FlushAsync(file);
            }
            File.Move(draft, path, overwrite: true);
            DirectorySync.Flush(Path.GetDirectoryName(path)!);
            return path;
        }
        catch
        {
            Remove(draft);
            throw;
        }
    }

    /// <summary>Removes a file that nobody needs: if it cannot be, it only takes room.</summary>
    internal static void Remove(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception leftThere) when (leftThere is IOException or UnauthorizedAccessException)
        {
            // The next one that clears up tries again.
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

    private static FileStream CreateFile(string path) => new(
        path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0, FileOptions.Asynchronous);
}
