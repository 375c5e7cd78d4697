namespace Kv.Testing.Watches;

/// <summary>What was asked for.</summary>
/// <param name="RangeEnd">Exclusive; empty: the one key; a zero byte: no end.</param>
/// <param name="StartRevision">0: from the moment it was created.</param>
public sealed record WatchDemand(
    string Key,
    string RangeEnd = "",
    long StartRevision = 0,
    bool NoPuts = false,
    bool NoDeletes = false,
    bool PrevKv = false)
{
    public bool Matches(WatchEvent e) => !(e.IsDelete ? NoDeletes : NoPuts) && Covers(e.State.Key);

    private bool Covers(string key) => RangeEnd switch
    {
        "" => key == Key,
        "\0" => string.CompareOrdinal(key, Key) >= 0,
        _ => string.CompareOrdinal(key, Key) >= 0 && string.CompareOrdinal(key, RangeEnd) < 0,
    };
}

/// <summary>One message of the stream. Without events it is a progress notification.</summary>
/// <param name="Revision">Of its header.</param>
/// <param name="Continues">A fragment: the next one belongs to the same reply.</param>
public sealed record WatchMessage(long Revision, IReadOnlyList<WatchEvent> Events, bool Continues = false);

/// <summary>One watch from its creation to its end.</summary>
/// <param name="CreatedAt">The header's revision of the message that said it was created.</param>
/// <param name="Messages">All others, but for the one that ended it.</param>
public sealed record WatchRecord(WatchDemand Demand, long CreatedAt, IReadOnlyList<WatchMessage> Messages)
{
    /// <summary>The first revision whose events belong to it.</summary>
    public long First => Demand.StartRevision == 0 ? CreatedAt + 1 : Demand.StartRevision;

    /// <summary>Where it has to be resumed after a break; 0: from the start.</summary>
    public long Last => Messages
        .Where(static message => !message.Continues)
        .Select(static message => message.Events.Count > 0 ? message.Events[^1].Revision : message.Revision)
        .DefaultIfEmpty()
        .Max();
}
