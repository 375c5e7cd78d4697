using System.Globalization;
using Kv.Actors.Journal;
using Kv.Core.Entries;
using Kv.Core.Store;
using Kv.Files;
using Kv.Host.Nodes;
using Kv.Protos.V1;

namespace Kv.Host.Recovery;

/// <summary>It must not go on; nothing was changed. The message says why and what to do.</summary>
internal sealed class RecoveryRefusedException(string message) : Exception(message);

/// <summary>Makes a data directory that of a new cluster: of its first node, or of one that joins it.</summary>
internal sealed class Recovery(RecoverySettings settings)
{
    private readonly string _path = settings.DataDirectory;

    /// <returns>What was done and what to do next.</returns>
    /// <exception cref="RecoveryRefusedException">Something speaks against it.</exception>
    /// <exception cref="IOException">A file cannot be read or written.</exception>
    public async Task<string> RunAsync(CancellationToken stopping)
    {
        using FileStream held = Lock();
        var directory = new RecoveryDirectory(_path);
        if (directory.IsInterrupted)
        {
            return await FinishedAsync(directory.Finish(), stopping);
        }
        return settings.JoinClusterId != 0
            ? await JoinAsync(directory)
            : await FoundAsync(directory, stopping);
    }

    private FileStream Lock()
    {
        try
        {
            return DataDirectory.Lock(_path);
        }
        catch (IOException inUse)
        {
            throw new RecoveryRefusedException(
                $"The data directory {_path} is in use: stop its node first. ({inUse.Message})");
        }
    }

    private async Task<string> JoinAsync(RecoveryDirectory directory)
    {
        ulong own = DataDirectory.ReadClusterId(_path);
        if (own == settings.JoinClusterId)
        {
            throw new RecoveryRefusedException($"This node belongs to cluster {Text(own)} already.");
        }
        string aside = await directory.ReplaceAsync(own, draft =>
        {
            DataDirectory.WriteClusterId(draft, settings.JoinClusterId);
            return Task.CompletedTask;
        });
        return RecoveryText.Joins(settings.JoinClusterId, aside);
    }

    private async Task<string> FoundAsync(RecoveryDirectory directory, CancellationToken stopping)
    {
        (KeyValueStore store, string loss) = await LoadAsync(stopping);
        ulong own = store.Genesis!.ClusterId;
        await CheckAsync(store, loss, stopping);
        Genesis? founded = null;
        string aside = await directory.ReplaceAsync(own, async draft => founded = await BaseDirectory.WriteAsync(
            Path.Combine(draft, BaseDirectory.Snapshots), store, settings.ClusterSize, stopping));
        return RecoveryText.Founds(settings, founded!.ClusterId, store.Revision, store.Count, aside);
    }

    /// <summary>All that the node had when it stopped, and what of it is damaged; empty: nothing.</summary>
    private async Task<(KeyValueStore Store, string Loss)> LoadAsync(CancellationToken stopping)
    {
        if (File.Exists(Path.Combine(_path, "log.sqlite")))
        {
            throw new RecoveryRefusedException(
                $"{_path} has a log of its own (embedded mode). Restore its newest snapshot into another "
                + "directory instead: kv snapshot restore FILE --data-dir NEW. A halted node has written one: "
                + "snapshots/snapshot-…-halted.kvsnap.");
        }
        StoreLoad load = await StoreLoader.LoadAsync(_path, stopping);
        foreach (string warning in load.Warnings)
        {
            Console.Error.WriteLine($"kv-host: {warning}");
        }
        if (load.Store?.Genesis is not { } genesis)
        {
            throw new RecoveryRefusedException(load.Store?.AwaitedGenesis is { } awaited
                ? $"{_path} holds the base of cluster {Text(awaited.ClusterId)}, which nobody founded yet: "
                    + "start its node."
                : $"{_path} has no snapshot and no journal that can be used: there is nothing to recover from.");
        }
        ulong own = DataDirectory.ReadClusterId(_path);
        return own == 0 || own == genesis.ClusterId
            ? (load.Store, LossOf(load))
            : throw new RecoveryRefusedException(
                $"{_path} belongs to cluster {Text(own)}, but what lies in it to "
                + $"{Text(genesis.ClusterId)}.");
    }

    // What a halted node had in memory is all in its last snapshot: the journal has no more.
    private static string LossOf(StoreLoad load) => load.File is not { IsPinned: true }
        && load.Journal.Outcome is JournalOutcome.Damaged or JournalOutcome.Missing
            ? string.Join(' ', load.Warnings)
            : "";

    private async Task CheckAsync(KeyValueStore store, string loss, CancellationToken stopping)
    {
        var check = new RecoveryCheck(store, settings.ClusterSize ?? store.Cluster.Size);
        if (loss.Length > 0)
        {
            check.TakeOwnLoss(loss);
        }
        Console.WriteLine(
            $"This node is at offset {store.AppliedOffset}, revision {store.Revision}, digest {store.Chain}.");
        foreach ((Uri peer, StatusReply? status) in await PeerStatuses.AskAsync(settings.Peers, stopping))
        {
            Console.WriteLine(status is null
                ? $"{peer.Authority} does not answer."
                : $"{status.Node} ({peer.Authority}) is {status.State} at offset {status.AppliedOffset}.");
            if (status is not null)
            {
                check.Take(peer, status);
            }
        }
        IReadOnlyList<string> objections = check.Objections();
        if (objections.Count > 0 && !settings.AcceptsLoss)
        {
            throw new RecoveryRefusedException(RecoveryText.Refused(objections));
        }
    }

    private async Task<string> FinishedAsync(string aside, CancellationToken stopping)
    {
        SnapshotLoad load = await new SnapshotFiles(Path.Combine(_path, BaseDirectory.Snapshots))
            .LoadNewestAsync(stopping);
        return load.Store is { AwaitedGenesis: { } founded } store
            ? RecoveryText.Founds(settings, founded.ClusterId, store.Revision, store.Count, aside)
            : RecoveryText.Joins(DataDirectory.ReadClusterId(_path), aside);
    }

    private static string Text(ulong clusterId) => clusterId.ToString("x16", CultureInfo.InvariantCulture);
}
