using Kv.Files;

namespace Kv.Actors.Journal;

/// <summary>
/// What a node has on its disk, read while it still asks who its peers are. It is taken once: a node whose
/// parts start anew reads its disk again.
/// </summary>
public sealed class EarlyLoad
{
    private Task<StoreLoad>? _load;

    private EarlyLoad(Task<StoreLoad> load) => _load = load;

    /// <summary>Begins to read. Nobody may write there before it was taken.</summary>
    public static EarlyLoad Start(
        SnapshotFiles snapshots, string journalDirectory, CancellationToken stopping) => new(Task.Run(
            () => StoreLoader.LoadAsync(
                snapshots, new JournalOptions { Directory = journalDirectory }, stopping),
            stopping));

    /// <summary>Null: it was taken.</summary>
    internal Task<StoreLoad>? Take() => Interlocked.Exchange(ref _load, null);
}
