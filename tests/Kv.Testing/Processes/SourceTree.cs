namespace Kv.Testing.Processes;

/// <summary>Where the tests find what they start.</summary>
public static class SourceTree
{
    public static string Root { get; } = FindRoot(AppContext.BaseDirectory);

    /// <summary>The kv-host built together with these tests.</summary>
    public static string HostBinary { get; } =
        FindHostBinary(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));

    private static string FindRoot(string start)
    {
        for (DirectoryInfo? at = new(start); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "ReplicatedKv.sln")))
            {
                return at.FullName;
            }
        }
        throw new InvalidOperationException($"{start} is in no source tree: no ReplicatedKv.sln above it.");
    }

    private static string FindHostBinary(string own)
    {
        // …/bin/CONFIGURATION/FRAMEWORK; with another layout the copy next to the tests is the one.
        string framework = Path.GetFileName(own);
        string configuration = Path.GetFileName(Path.GetDirectoryName(own) ?? "");
        string built = Path.Combine(Root, "src", "Kv.Host", "bin", configuration, framework, "kv-host");
        return File.Exists(built) ? built : Path.Combine(own, "kv-host");
    }
}
