using System.Globalization;

namespace Kv.Actors.Journal;

/// <summary>A segment of a journal on disk, as its name tells.</summary>
/// <param name="FirstOffset">Offset of its first record.</param>
public sealed record JournalSegment(string Path, long FirstOffset)
{
    internal const string DraftExtension = ".tmp";

    /// <summary>Of segments that cannot be used; nothing reads or removes them.</summary>
    internal const string SetAsideExtension = ".unusable";

    private const string Prefix = "journal-";
    private const string Extension = ".kvjournal";

    internal static JournalSegment In(string directory, long firstOffset) => new(
        System.IO.Path.Combine(
            directory, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{firstOffset:D20}{Extension}")),
        firstOffset);

    /// <summary>The segments of a directory, oldest first; none if there is no such directory.</summary>
    internal static IReadOnlyList<JournalSegment> List(string directory) => Directory.Exists(directory)
        ?
        [
            .. Directory.EnumerateFiles(directory)
                .Select(Of)
                .OfType<JournalSegment>()
                .OrderBy(static segment => segment.FirstOffset),
        ]
        : [];

    private static JournalSegment? Of(string path)
    {
        string name = System.IO.Path.GetFileName(path);
        return name.StartsWith(Prefix, StringComparison.Ordinal)
            && name.EndsWith(Extension, StringComparison.Ordinal)
            && long.TryParse(
                name[Prefix.Length..^Extension.Length],
                NumberStyles.None,
                CultureInfo.InvariantCulture,
                out long firstOffset)
            ? new JournalSegment(path, firstOffset)
            : null;
    }
}
