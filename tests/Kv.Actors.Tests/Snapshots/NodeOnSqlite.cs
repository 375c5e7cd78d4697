using Akka.Actor;
using Kv.Actors.Log.Embedded;
using Kv.Actors.Nodes;
using Kv.Actors.Publishing;
using Kv.Actors.Snapshots;
using Kv.Core.Store;
using Kv.Files;
using Entries = Kv.Actors.Tests.Core.Entries;

namespace Kv.Actors.Tests.Snapshots;

/// <summary>A real node on a real SQLite log in a directory of its own, which outlives its runs.</summary>
internal sealed class NodeOnSqlite(ActorSystem system) : IDisposable
{
    private static int _runs;

    internal string Directory { get; } =
        System.IO.Directory.CreateTempSubdirectory("kv-node-snapshots-").FullName;

    internal SqliteLog Log { get; private set; } = null!;

    internal LogNode Node { get; private set; } = null!;

    internal SnapshotFiles Files => new(Path.Combine(Directory, "snapshots"));

    internal async Task StartAsync(
        PeerSnapshots? peers = null,
        long logBytes = 1_000_000,
        bool truncates = false,
        bool mayFound = true,
        RetentionLimits? retention = null)
    {
        Log = SqliteLog.Open(Directory);
        SqliteLog log = Log;
        Node = await LogNode.StartAsync(system, new LogNodeOptions
        {
            NodeId = $"n{Interlocked.Increment(ref _runs)}",
            Mode = ReplicationMode.Embedded,
            Log = Log,
            Publisher = new PublisherOptions
            {
                MayFound = mayFound && Log.NextOffset == 0,
                FoundingDelayMs = 0,
                Retention = retention,
            },
            Snapshots = new SnapshotOptions
            {
                Files = Files,
                LogBytes = logBytes,
                Peers = peers,
                OnKept = before => truncates ? log.TruncateBeforeAsync(before) : Task.CompletedTask,
            },
        });
    }

    internal async Task StopAsync()
    {
        await Node.StopAsync(CancellationToken.None);
        await Log.DisposeAsync();
    }

    /// <summary>Ends as a killed process does: no snapshot is written.</summary>
    internal async Task KillAsync(IReadOnlyList<SnapshotFile> keep)
    {
        await StopAsync();
        foreach (SnapshotFile file in Files.List().Where(file => keep.All(kept => kept.Path != file.Path)))
        {
            File.Delete(file.Path);
        }
    }

    internal async Task<NodeStatus> InStateAsync(NodeState state)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        NodeStatus status = await Node.GetStatusAsync(patience.Token);
        while (status.State != state)
        {
            Assert.False(
                patience.IsCancellationRequested, $"It is {status.State}, not {state}: {status.Reason}");
            await Task.Yield();
            status = await Node.GetStatusAsync(CancellationToken.None);
        }
        return status;
    }

    internal async Task SetAsync(string key, string value)
    {
        await InStateAsync(NodeState.Ready);
        await Node.ExecuteAsync(Entries.Set(key, value), null, CancellationToken.None);
    }

    internal async Task<string?> GetAsync(string key)
    {
        await InStateAsync(NodeState.Ready);
        Reply.Got got = await Node.GetLocalAsync(Entries.Utf8(key), CancellationToken.None);
        return got.Value is { } value ? System.Text.Encoding.UTF8.GetString(value.Span) : null;
    }

    public void Dispose() => System.IO.Directory.Delete(Directory, recursive: true);
}
