using System.Globalization;
using System.IO.Hashing;
using System.Text;
using Kv.Files;

namespace Kv.Actors.Queue;

/// <summary>
/// The Lamport times this node may have used, on disk: it reserves them ahead in blocks, so that a start with
/// empty memory never uses one again.
/// </summary>
/// <remarks>One line: "kv-lamport 1 TIME CHECKSUM". One caller at a time.</remarks>
internal sealed class LamportFile
{
    public const string FileName = "lamport";

    private const string Magic = "kv-lamport 1 ";

    private readonly string? _path;

    /// <param name="directory">
    /// Created if missing; null: nothing is kept, and only the wall clock protects.
    /// </param>
    public LamportFile(string? directory)
    {
        if (directory is null) { return; }
        Directory.CreateDirectory(directory);
        _path = Path.Combine(directory, FileName);
    }

    /// <summary>The time up to which times may have been used; 0: none was.</summary>
    /// <exception cref="InvalidDataException">
    /// The file is damaged. Restore it or, when all of the node's peers are alive, delete it.
    /// </exception>
    public long Load()
    {
        if (_path is null || !File.Exists(_path)) { return 0; }
        string[] words = File.ReadAllText(_path).TrimEnd('\n').Split(' ');
        bool isValid = words.Length == 4
            && long.TryParse(words[2], NumberStyles.None, CultureInfo.InvariantCulture, out _)
            && LineFor(words[2]) == string.Join(' ', words);
        return isValid
            ? long.Parse(words[2], CultureInfo.InvariantCulture)
            : throw new InvalidDataException(
                $"{_path} is damaged: it is not a line as this program writes it.");
    }

    /// <summary>Times up to this one may be used when the task has ended.</summary>
    /// <exception cref="IOException">They must not be used.</exception>
    public async Task<long> ReserveAsync(long through)
    {
        if (_path is null) { return through; }
        byte[] line = Encoding.ASCII.GetBytes(LineFor(through.ToString(CultureInfo.InvariantCulture)) + "\n");
        await Task.Run(() => DurableFile.Replace(_path, line));
        return through;
    }

    private static string LineFor(string time)
    {
        ulong checksum = XxHash64.HashToUInt64(Encoding.ASCII.GetBytes(Magic + time));
        return $"{Magic}{time} {checksum:x16}";
    }
}
