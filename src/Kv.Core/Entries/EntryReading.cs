namespace Kv.Core.Entries;

/// <summary>What a message in the log turned out to be.</summary>
public abstract record EntryReading
{
    private EntryReading() { }

    /// <summary>An entry of ours.</summary>
    public sealed record Entry(LogEntry Value) : EntryReading;

    /// <summary>Without our magic: somebody else's message. Ignored alike on all nodes.</summary>
    public sealed record Stray : EntryReading;

    /// <summary>
    /// With our magic but not readable: damaged, or written by a newer build. Nobody can say what it did,
    /// so a node that meets it halts.
    /// </summary>
    public sealed record Unreadable(string Why) : EntryReading;
}
