namespace Kv.Testing.Watches;

/// <summary>What one acknowledged write did to one key. Bytes as text of one character a byte.</summary>
/// <param name="Value">Null: deleted.</param>
public sealed record KeyChange(string Key, string? Value);

/// <summary>A key's state as an event tells it.</summary>
public sealed record KeyState(string Key, string Value, long CreateRevision, long ModRevision, long Version);

/// <summary>One event: of a watch, or as it has to be.</summary>
/// <param name="State">After the write; of a deletion only key and mod revision count.</param>
/// <param name="Previous">Before the write; null: there was none, or it was not given.</param>
public sealed record WatchEvent(bool IsDelete, KeyState State, KeyState? Previous)
{
    public long Revision => State.ModRevision;

    public override string ToString() =>
        $"r{Revision} {(IsDelete ? "DELETE" : "PUT")} {State.Key}={State.Value} "
        + $"(created r{State.CreateRevision}, version {State.Version}; before {Previous?.Value ?? "none"})";
}

/// <summary>All writes of a store, as their answers told them: what every watch is held against.</summary>
public sealed class WriteHistory
{
    private readonly SortedDictionary<long, IReadOnlyList<KeyChange>> _writes = [];

    /// <summary>Revision of the last compaction; 0: none. Nobody knows previous states before it.</summary>
    public long CompactedAt { get; init; }

    /// <summary>The last write's revision.</summary>
    public long Latest => _writes.Count == 0 ? 0 : _writes.Keys.Last();

    /// <summary>Adds a write, in any order of revisions.</summary>
    /// <param name="revision">Its revision; each is one write.</param>
    /// <param name="changes">As the write had them, without those that changed nothing.</param>
    public void Add(long revision, params KeyChange[] changes) => _writes.Add(revision, changes);

    /// <summary>Every event there is, in order.</summary>
    public IReadOnlyList<WatchEvent> Events()
    {
        List<WatchEvent> events = [];
        Dictionary<string, KeyState> states = new(StringComparer.Ordinal);
        foreach ((long revision, IReadOnlyList<KeyChange> changes) in _writes)
        {
            foreach (KeyChange change in changes)
            {
                events.Add(Apply(states, revision, change));
            }
        }
        return events;
    }

    private static WatchEvent Apply(Dictionary<string, KeyState> states, long revision, KeyChange change)
    {
        KeyState? before = states.GetValueOrDefault(change.Key);
        if (change.Value is null)
        {
            states.Remove(change.Key);
            return new WatchEvent(true, new KeyState(change.Key, "", 0, revision, 0), before);
        }
        var after = new KeyState(
            change.Key,
            change.Value,
            before?.CreateRevision ?? revision,
            revision,
            (before?.Version ?? 0) + 1);
        states[change.Key] = after;
        return new WatchEvent(false, after, before);
    }
}
