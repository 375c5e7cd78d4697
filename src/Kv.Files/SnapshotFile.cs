using System.Globalization;
using Kv.Core.Snapshots;

namespace Kv.Files;

/// <summary>A snapshot on disk, as its name tells.</summary>
/// <param name="Offset">The last offset applied in it; -1: the base of a cluster.</param>
/// <param name="IsPinned">Of a halted node: recovery may need it, so it is never rotated away.</param>
public sealed record SnapshotFile(string Path, long Offset, bool IsPinned)
{
    private const string Prefix = "snapshot-";
    private const string Base = "base";
    private const string Pinned = "-halted";
    private const string Extension = ".kvsnap";

    /// <summary>The state that its cluster was, or is to be, founded on.</summary>
    public bool IsBase => Offset == SnapshotHeader.NothingApplied;

    /// <summary>Its length now, bytes; 0: it is gone, or cannot be reached.</summary>
    public long BytesLength => new FileInfo(Path) is { Exists: true } there ? there.Length : 0;

    public static SnapshotFile In(string directory, long offset, bool isPinned)
    {
        string place = offset == SnapshotHeader.NothingApplied
            ? Base
            : offset.ToString("D20", CultureInfo.InvariantCulture);
        string name = $"{Prefix}{place}{(isPinned ? Pinned : "")}{Extension}";
        return new SnapshotFile(System.IO.Path.Combine(directory, name), offset, isPinned);
    }

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
        if (digits == Base)
        {
            return new SnapshotFile(path, SnapshotHeader.NothingApplied, isPinned);
        }
        return long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long offset)
            ? new SnapshotFile(path, offset, isPinned)
            : null;
    }
}
