namespace Kv.Actors.Files;

/// <summary>Small files that are as they were or as they should be, whatever fails meanwhile.</summary>
public static class DurableFile
{
    /// <summary>
    /// Replaces a file, or makes it: draft beside it, fsync, rename, fsync of the directory. On disk when it
    /// returns.
    /// </summary>
    /// <exception cref="IOException">
    /// It is as it was, or already as it should be but perhaps not durable.
    /// </exception>
    public static void Replace(string path, ReadOnlySpan<byte> content)
    {
        string draft = path + ".tmp";
        using (var file = new FileStream(draft, FileMode.Create, FileAccess.Write))
        {
            file.Write(content);
            file.Flush(flushToDisk: true);
        }
        File.Move(draft, path, overwrite: true);
        DirectorySync.Flush(Path.GetDirectoryName(path)!);
    }
}
