using Akka.Actor;
using Kv.Actors.Log;
using Kv.Actors.Log.Embedded;
using Kv.Actors.Nodes;
using Kv.Actors.Presence;
using Kv.Actors.Publishing;
using Kv.Host.Settings;

namespace Kv.Host.Nodes;

/// <summary>Nodes of embedded mode: all on one SQLite log.</summary>
internal sealed class EmbeddedNodeFactory(
    HostSettings settings, IHostApplicationLifetime lifetime) : INodeFactory
{
    private SqliteLog? _log;

    public async Task<IKvNode> StartAsync(ActorSystem system, NodeSlot slot, CancellationToken stopping)
    {
        try
        {
            _log ??= SqliteLog.Open(settings.DataDir);
        }
        catch (LogUnavailableException inUse)
        {
            throw new NodeRefusedException(
                $"{inUse.Message} KV_DATA_DIR (--data-dir) names the directory.", inUse);
        }
        return await LogNode.StartAsync(system, new LogNodeOptions
        {
            NodeId = slot.NodeId,
            Mode = ReplicationMode.Embedded,
            Log = _log,
            // The file is this process's own: when it is empty nobody else can have founded a cluster in it.
            Publisher = new PublisherOptions
            {
                MayFound = _log.NextOffset == 0 && slot.RpcPort == settings.RpcPort,
                FoundingDelayMs = 0,
                ClusterSize = settings.ClusterSize,
            },
            OnFatal = () => ExitCodes.Stop(lifetime, ExitCodes.Fatal),
        });
    }

    public ValueTask DisposeAsync() => _log?.DisposeAsync() ?? ValueTask.CompletedTask;
}
