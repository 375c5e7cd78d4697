using System.Globalization;

namespace Kv.Actors.Snapshots;

/// <summary>A snapshot on disk, as its name tells.</summary>
/// <param name="Offset">The last offset applied in it.</param>
/// <param name="IsPinned">Of a halted node: recovery may need it, so it is never rotated away.</param>
public sealed record SnapshotFile(string Path, long Offset, bool IsPinned)
{
    private const string Prefix = "snapshot-";
    private const string Pinned = "-halted";
    private const string Extension = ".kvsnap";

    public static SnapshotFile In(string directory, long offset, bool isPinned) => new(
        System.IO.Path.Combine(
            directory, string.Create(
                CultureInfo.InvariantCulture, $"{Prefix}{offset:D20}{(isPinned ? Pinned : "")}{Extension}")),
        offset,
        isPinned);

    /// <summary>Null: the name is none of ours.</summary>
    public static SnapshotFile? Of(string path)
    {
        string name = System.IO.Path.GetFileName(path);
        if (!name.StartsWith(Prefix, StringComparison.Ordinal)
            || !name.EndsWith(Extension, StringComparison.Ordinal))
        {
            return null;
        }
        string middle = name[Prefix.Length..^Extension.Length];
        bool isPinned = middle.EndsWith(Pinned, StringComparison.Ordinal);
        string digits = isPinned ? middle[..^Pinned.Length] : middle;
        return long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long offset)
            ? new SnapshotFile(path, offset, isPinned)
            : null;
    }
}
