using System.Globalization;
using Kv.Files;
using Kv.Host.Nodes;

namespace Kv.Host.Recovery;

/// <summary>
/// Changes what a data directory is for, in steps that an end at any point leaves either as it was or to be
/// finished by the next run: a node does not start in between. Nothing is ever deleted.
/// </summary>
/// <remarks>
/// The new content is made in <c>recovering.tmp</c>, which becomes <c>recovering</c> when it is on disk. From
/// then on the old files go to <c>before-recovery-CLUSTER-N</c>, the new content takes its place, and
/// <c>recovering</c> goes.
/// </remarks>
internal sealed class RecoveryDirectory(string path)
{
    private const string AsidePrefix = "before-recovery-";
    private const string LostAndFound = "lost+found";

    private string Recovering => Path.Combine(path, DataDirectory.Recovering);

    private string Draft => Recovering + ".tmp";

    /// <summary>A recovery was interrupted: all that is left to do is <see cref="Finish"/>.</summary>
    public bool IsInterrupted => Directory.Exists(Recovering);

    /// <summary>Replaces all there is by new content.</summary>
    /// <param name="oldClusterId">For the name of the directory that takes the old files.</param>
    /// <param name="make">Makes the new content in an empty directory: one file or directory.</param>
    /// <returns>The directory with the old files.</returns>
    /// <exception cref="IOException">
    /// Run it again: what was begun is finished, what was not begins anew.
    /// </exception>
    public async Task<string> ReplaceAsync(ulong oldClusterId, Func<string, Task> make)
    {
        if (Directory.Exists(Draft))
        {
            Directory.Delete(Draft, recursive: true);
        }
        Directory.CreateDirectory(Draft);
        await make(Draft);
        DirectorySync.Flush(Draft);
        Directory.CreateDirectory(Path.Combine(path, string.Create(
            CultureInfo.InvariantCulture, $"{AsidePrefix}{oldClusterId:x16}-{Asides().Count + 1}")));
        Directory.Move(Draft, Recovering);
        DirectorySync.Flush(path);
        return Finish();
    }

    /// <returns>The directory with the old files.</returns>
    public string Finish()
    {
        string aside = Asides()[^1];
        // Gone from there, the new content is in its place, and no old file any more.
        if (Directory.EnumerateFileSystemEntries(Recovering).SingleOrDefault() is { } content)
        {
            foreach (string old in Directory.EnumerateFileSystemEntries(path).Where(IsOld).ToList())
            {
                Directory.Move(old, Path.Combine(aside, Path.GetFileName(old)));
            }
            DirectorySync.Flush(aside);
            Directory.Move(content, Path.Combine(path, Path.GetFileName(content)));
            DirectorySync.Flush(path);
        }
        Directory.Delete(Recovering);
        DirectorySync.Flush(path);
        return aside;
    }

    /// <summary>Oldest first: their numbers grow.</summary>
    private List<string> Asides() =>
    [
        .. Directory.EnumerateDirectories(path, AsidePrefix + "*").OrderBy(
            static name => int.TryParse(
                name[(name.LastIndexOf('-') + 1)..], CultureInfo.InvariantCulture, out int number)
                ? number
                : 0),
    ];

    private static bool IsOld(string entry) => Path.GetFileName(entry) is var name
        && name is not (DataDirectory.LockFile or DataDirectory.Recovering or LostAndFound)
        && !name.StartsWith(AsidePrefix, StringComparison.Ordinal);
}
