using Kv.Core.Store;
using Kv.Files;

namespace Kv.Actors.Journal;

/// <summary>
/// What a node has on its own disk: the newest snapshot that is whole, and the journal from there on.
/// </summary>
public static class StoreLoader
{
    /// <summary>Name of the snapshots' directory in a data directory.</summary>
    public const string SnapshotDirectory = "snapshots";

    /// <summary>Name of the journal's directory in a data directory.</summary>
    public const string JournalDirectory = "journal";

    /// <summary>
    /// Loads a data directory whose node does not run. Sets damaged snapshots aside; changes nothing else.
    /// </summary>
    public static Task<StoreLoad> LoadAsync(string dataDirectory, CancellationToken stopping) => LoadAsync(
        new SnapshotFiles(Path.Combine(dataDirectory, SnapshotDirectory)),
        new JournalOptions { Directory = Path.Combine(dataDirectory, JournalDirectory) },
        stopping);

    /// <param name="journal">Its writer, if there is one, is closed. Null: there is no journal.</param>
    internal static async Task<StoreLoad> LoadAsync(
        SnapshotFiles snapshots, JournalOptions? journal, CancellationToken stopping)
    {
        using var quiet = new QuietHeap(DiskBytes(snapshots, journal));
        SnapshotLoad snapshot = await snapshots.LoadNewestAsync(stopping);
        if (journal is null || snapshot.Refusal is not null)
        {
            return new StoreLoad(snapshot.Store, snapshot.File, JournalReading.None, snapshot.Warnings)
            {
                Refusal = snapshot.Refusal,
            };
        }
        KeyValueStore store = snapshot.Store ?? new KeyValueStore(snapshots.Rules);
        List<string> warnings = [.. snapshot.Warnings];
        JournalReading reading = JournalReading.None;
        try
        {
            reading = journal.Lock.Alone(() => JournalReader.Read(
                journal.Directory,
                new JournalPoint(store.AppliedOffset, store.Chain),
                record => Apply(store, record),
                stopping));
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            warnings.Add($"The journal could not be read to its end: {unreadable.Message}");
        }
        if (reading.Why.Length > 0)
        {
            warnings.Add(reading.Outcome is JournalOutcome.TornTail or JournalOutcome.Behind
                ? $"The journal lacks what came last: {reading.Why}."
                : $"The journal could not be read to its end ({reading.Outcome}): {reading.Why}.");
        }
        KeyValueStore? known = snapshot.Store ?? (store.Genesis is null ? null : store);
        return new StoreLoad(known, snapshot.File, reading, warnings);
    }

    // Roughly: a journal may have more than what is behind the snapshot.
    private static long DiskBytes(SnapshotFiles snapshots, JournalOptions? journal)
    {
        try
        {
            return snapshots.List().Take(1).Sum(static file => file.BytesLength)
                + JournalSegment.List(journal?.Directory ?? "").Sum(
                    static segment => new FileInfo(segment.Path).Length);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            // Whoever reads it next has more to say about it.
            return 0;
        }
    }

    // What was applied once is applied again with the same result; a refusal means that it is not the same.
    private static string? Apply(KeyValueStore store, JournalRecord record)
    {
        AppliedEntry applied = store.Apply(record.Offset, record.Entry);
        return applied.Fate == EntryFate.Halt
            ? $"the record of offset {record.Offset} cannot be applied: {applied.Why}"
            : null;
    }
}

/// <summary>What a node finds on its own disk.</summary>
/// <param name="Store">Snapshot and journal; null: there is nothing.</param>
/// <param name="File">The snapshot it began with; null: none.</param>
/// <param name="Journal">How reading the journal ended.</param>
/// <param name="Warnings">What could not be used, for a person.</param>
public sealed record StoreLoad(
    KeyValueStore? Store, SnapshotFile? File, JournalReading Journal, IReadOnlyList<string> Warnings)
{
    /// <summary>Why this build must not run on it; null: it may.</summary>
    public string? Refusal { get; init; }
}
