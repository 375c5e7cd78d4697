namespace Kv.Core.Store;

/// <summary>
/// What a store brings along that is not in the log: which versions of apply its build has, and what its
/// operator told it to pass over.
/// </summary>
/// <param name="VersionMin">Oldest version of the rules of apply that it runs.</param>
/// <param name="VersionMax">Newest one; from <paramref name="VersionMin"/> up.</param>
public sealed record StoreRules(int VersionMin, int VersionMax)
{
    /// <summary>
    /// The versions of this build: the present one and the one before it, as soon as there is one before.
    /// </summary>
    public static readonly StoreRules OfThisBuild = new(
        Entries.Genesis.ApplyVersionNow, Entries.Genesis.ApplyVersionNow);

    /// <summary>
    /// Offsets whose entry is passed over where nobody can read it. A readable one is applied all the same.
    /// </summary>
    public IReadOnlySet<long> SkipOffsets { get; init; } = new HashSet<long>();

    /// <summary>Each version that it runs, ascending.</summary>
    public IReadOnlyList<int> AllVersions => [.. Enumerable.Range(VersionMin, VersionMax - VersionMin + 1)];

    public bool Runs(int version) => version >= VersionMin && version <= VersionMax;

    /// <summary>For messages: "version 1" or "versions 1 to 2".</summary>
    public string Versions => VersionMin == VersionMax
        ? $"version {VersionMin}"
        : $"versions {VersionMin} to {VersionMax}";
}
