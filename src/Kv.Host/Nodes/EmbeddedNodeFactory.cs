using Akka.Actor;
using Kv.Actors.Leasing;
using Kv.Actors.Log;
using Kv.Actors.Log.Embedded;
using Kv.Actors.Nodes;
using Kv.Actors.Presence;
using Kv.Actors.Publishing;
using Kv.Actors.Snapshots;
using Kv.Core.Entries;
using Kv.Files;
using Kv.Host.Settings;

namespace Kv.Host.Nodes;

/// <summary>
/// Nodes of embedded mode: all on one SQLite log and one directory of snapshots, which the first node writes.
/// </summary>
internal sealed class EmbeddedNodeFactory(
    HostSettings settings, IHostApplicationLifetime lifetime) : INodeFactory
{
    /// <summary>Longest wait for all nodes' word how far they are before the log is truncated, ms.</summary>
    private const int StatusTimeoutMs = 10_000;

    private readonly SnapshotFiles _snapshots = new(
        Path.Combine(settings.DataDir, "snapshots"), rules: settings.StoreRules);
    private DataDirectory? _directory;
    private SqliteLog? _log;

    // Replaced, never changed: the truncation reads it from another thread.
    private volatile IReadOnlyList<(int RpcPort, LogNode Node)> _nodes = [];

    public async Task<IKvNode> StartAsync(ActorSystem system, NodeSlot slot, CancellationToken stopping)
    {
        _directory ??= DataDirectory.Open(settings.DataDir);
        try
        {
            _log ??= SqliteLog.Open(settings.DataDir);
        }
        catch (LogUnavailableException inUse)
        {
            throw new NodeRefusedException(
                $"{inUse.Message} KV_DATA_DIR (--data-dir) names the directory.", inUse);
        }
        bool isFirst = slot.RpcPort == settings.RpcPort;
        Genesis? genesis = isFirst ? await _directory.ReadBaseAsync(_snapshots, stopping) : null;
        LogNode node = await LogNode.StartAsync(system, new LogNodeOptions
        {
            NodeId = slot.NodeId,
            Mode = ReplicationMode.Embedded,
            Log = _log,
            // The file is this process's own: when it is empty nobody else can have founded a cluster in it,
            // unless a snapshot tells of a log that is gone.
            Publisher = new PublisherOptions
            {
                MayFound = isFirst
                    && _log.NextOffset == 0
                    && _directory.ClusterId == 0
                    && (genesis is not null || _snapshots.List().Count == 0),
                Genesis = genesis,
                FoundingDelayMs = 0,
                ClusterSize = settings.ClusterSize,
            },
            Snapshots = new SnapshotOptions
            {
                Files = _snapshots,
                Saves = isFirst,
                LogBytes = settings.SnapshotLogBytes,
                OnKept = TruncateLogAsync,
            },
            // The nodes of one process come and go together.
            Lessor = new LessorOptions { Rank = slot.RpcPort - settings.RpcPort },
            ListMembers = cancellation => ListMembersBesideAsync(slot, cancellation),
            ExpectedClusterId = _directory.ClusterId,
            OnClusterKnown = _directory.Join,
            Rules = settings.StoreRules,
            Upkeep = settings.Upkeep,
            WatchProgressIntervalMs = settings.WatchProgressMs,
            OnFatal = () => ExitCodes.Stop(lifetime, ExitCodes.Fatal),
            OnRefused = _ => ExitCodes.Stop(lifetime, ExitCodes.Refused),
        });
        _nodes = [.. _nodes, (slot.RpcPort, node)];
        return node;
    }

    public async ValueTask DisposeAsync()
    {
        if (_log is not null)
        {
            await _log.DisposeAsync();
        }
        _directory?.Dispose();
    }

    private async Task<IReadOnlyList<MemberStatus>> ListMembersBesideAsync(
        NodeSlot slot, CancellationToken cancellation)
    {
        List<MemberStatus> members = [];
        foreach ((int port, LogNode node) in _nodes.Where(node => node.RpcPort != slot.RpcPort))
        {
            members.Add(MemberStatus.Of(await node.DescribeAsync(cancellation), settings.UrlOf(port)));
        }
        return members;
    }

    // Nothing tells a node that comes back later that entries are missing in between: all have to be there.
    private async Task TruncateLogAsync(long before)
    {
        IReadOnlyList<(int RpcPort, LogNode Node)> nodes = _nodes;
        if (nodes.Count < settings.NodeIds.Count)
        {
            return;
        }
        using var patience = new CancellationTokenSource(StatusTimeoutMs);
        long needed = before;
        foreach ((_, LogNode node) in nodes)
        {
            NodeStatus status = await node.DescribeAsync(patience.Token);
            needed = Math.Min(needed, status.AppliedOffset);
        }
        await _log!.TruncateBeforeAsync(needed, patience.Token);
    }
}
