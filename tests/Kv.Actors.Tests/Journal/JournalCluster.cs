using Akka.Actor;
using Kv.Actors.Journal;
using Kv.Actors.Log.Embedded;
using Kv.Actors.Nodes;
using Kv.Actors.Publishing;
using Kv.Actors.Snapshots;
using Kv.Files;
using Kv.Actors.Tests.Queue;
using Entries = Kv.Actors.Tests.Core.Entries;

namespace Kv.Actors.Tests.Journal;

/// <summary>
/// Nodes of one process on one SQLite log, each with a data directory of its own and an exchange in memory
/// between them.
/// </summary>
internal sealed class JournalCluster(ActorSystem system, AckLevel ack, int clusterSize) : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("kv-journal-nodes-").FullName;
    private readonly List<LogNode> _nodes = [];
    private SqliteLog? _log;

    internal InMemoryExchange Exchange { get; } = new();

    /// <summary>Opens segments; null: on disk.</summary>
    internal Func<string, Stream>? Create { get; set; }

    internal string DataDirectory(string nodeId) => Path.Combine(_directory, nodeId);

    internal async Task<LogNode> StartAsync(string nodeId, bool mayFound = false)
    {
        _log ??= SqliteLog.Open(Path.Combine(_directory, "log"));
        string data = DataDirectory(nodeId);
        LogNode node = await LogNode.StartAsync(system, new LogNodeOptions
        {
            NodeId = nodeId,
            Mode = ReplicationMode.Stream,
            Log = _log,
            Publisher = new PublisherOptions
            {
                Ack = ack,
                MayFound = mayFound,
                FoundingDelayMs = 0,
                ClusterSize = clusterSize,
            },
            Snapshots = new SnapshotOptions
            {
                Files = new SnapshotFiles(Path.Combine(data, StoreLoader.SnapshotDirectory)),
            },
            Journal = new JournalOptions
            {
                Directory = Path.Combine(data, StoreLoader.JournalDirectory),
                RetryDelayMsMin = 10,
                Create = Create,
                Persisted = ack == AckLevel.Persisted
                    ? new PersistedAck(Exchange.Open(nodeId), clusterSize) { AskIntervalMs = 50 }
                    : null,
            },
        });
        _nodes.Add(node);
        return node;
    }

    internal async Task StopAsync(LogNode node)
    {
        _nodes.Remove(node);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await node.StopAsync(patience.Token);
    }

    internal static async Task<NodeStatus> UntilAsync(LogNode node, Func<NodeStatus, bool> holds)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (true)
        {
            NodeStatus status = await node.GetStatusAsync(CancellationToken.None);
            if (holds(status))
            {
                return status;
            }
            Assert.False(patience.IsCancellationRequested, $"It stays: {status}");
            await Task.Delay(5);
        }
    }

    internal static async Task ReadyAsync(LogNode node) =>
        await UntilAsync(node, static status => status.State == NodeState.Ready);

    internal static async Task SetAsync(LogNode node, string key, string value, int timeoutMs = 20_000)
    {
        using var deadline = new CancellationTokenSource(timeoutMs);
        await node.ExecuteAsync(Entries.Set(key, value), null, deadline.Token);
    }

    internal static string? Get(Kv.Core.Store.KeyValueStore store, string key) =>
        store.Get(Entries.Utf8(key)) is { } value ? System.Text.Encoding.UTF8.GetString(value.Span) : null;

    public async ValueTask DisposeAsync()
    {
        foreach (LogNode node in _nodes.ToArray())
        {
            await StopAsync(node);
        }
        if (_log is not null)
        {
            await _log.DisposeAsync();
        }
        Directory.Delete(_directory, recursive: true);
    }
}
