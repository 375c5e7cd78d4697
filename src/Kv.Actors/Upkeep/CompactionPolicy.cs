using System.Globalization;

namespace Kv.Actors.Upkeep;

/// <summary>How much of the keys' history is kept.</summary>
public abstract record CompactionPolicy
{
    private CompactionPolicy() { }

    /// <summary>All of it, until a client compacts.</summary>
    public sealed record Off : CompactionPolicy;

    /// <summary>The last so many revisions, and up to a tenth more.</summary>
    public sealed record ByRevisions(long Kept) : CompactionPolicy;

    /// <summary>What is younger than that, and up to a tenth more.</summary>
    public sealed record ByAge(TimeSpan Kept) : CompactionPolicy;

    /// <summary>
    /// Reads "off", "revisions:N" (from 1), or "age:Ns", "age:Nm", "age:Nh" (1 s to 10,000 h).
    /// </summary>
    public static CompactionPolicy? TryParse(string text) => text.Split(':') switch
    {
        ["off"] => new Off(),
        ["revisions", var count] when TryCount(count) is { } kept => new ByRevisions(kept),
        ["age", [.. var count, var unit]] when TryCount(count) is { } time && Seconds(unit) is { } seconds
            && time <= 36_000_000 / seconds => new ByAge(TimeSpan.FromSeconds(time * seconds)),
        _ => null,
    };

    private static long? TryCount(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long count) && count > 0
            ? count
            : null;

    private static long? Seconds(char unit) => unit switch
    {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        _ => null,
    };
}
