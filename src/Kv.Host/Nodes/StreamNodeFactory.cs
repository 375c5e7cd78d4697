using Akka.Actor;
using Kv.Actors.Log;
using Kv.Actors.Log.Amqp;
using Kv.Actors.Nodes;
using Kv.Actors.Publishing;
using Kv.Actors.Snapshots;
using Kv.Host.Settings;

namespace Kv.Host.Nodes;

/// <summary>The node of stream mode: one process, one node, one RabbitMQ stream shared by all.</summary>
internal sealed class StreamNodeFactory(
    HostSettings settings,
    IHostApplicationLifetime lifetime,
    ILogger<StreamNodeFactory> logger) : INodeFactory
{
    /// <summary>
    /// Time to look for a genesis in a stream that is there already, before proposing one, ms.
    /// </summary>
    private const int FoundingDelayMs = 1_000;

    private DataDirectory? _directory;
    private AmqpStreamLog? _log;

    public async Task<IKvNode> StartAsync(ActorSystem system, NodeSlot slot, CancellationToken stopping)
    {
        _directory ??= DataDirectory.Open(settings.DataDir);
        bool mayFound = settings.MayFound && _directory.ClusterId == 0;
        _log ??= await OpenLogAsync(slot, _directory.ClusterId, mayFound, stopping);
        return await LogNode.StartAsync(system, new LogNodeOptions
        {
            NodeId = slot.NodeId,
            Mode = ReplicationMode.Stream,
            Log = _log,
            Publisher = new PublisherOptions
            {
                MayFound = mayFound,
                FoundingDelayMs = FoundingDelayMs,
                ClusterSize = settings.ClusterSize,
            },
            Snapshots = new SnapshotOptions
            {
                Files = new SnapshotFiles(Path.Combine(settings.DataDir, "snapshots")),
                LogBytes = settings.SnapshotLogBytes,
                Peers = PeerSnapshotClient.Of(settings),
            },
            ExpectedClusterId = _directory.ClusterId,
            OnClusterKnown = _directory.Join,
            OnFatal = () => ExitCodes.Stop(lifetime, ExitCodes.Fatal),
        });
    }

    private async Task<AmqpStreamLog> OpenLogAsync(
        NodeSlot slot, ulong clusterId, bool mayFound, CancellationToken stopping)
    {
        AmqpOptions options = new AmqpOptions
        {
            Brokers = settings.BrokersOf(slot.NodeId),
            ExchangeName = settings.ExchangeName,
            LogBytesMax = settings.LogBytesMax,
            ClientName = $"kv {slot.NodeId}",
        }.Validate();
        try
        {
            return await AmqpStreamLog.OpenAsync(
                options,
                mayFound ? LogDeclaration.CreateIfMissing : LogDeclaration.MustExist,
                AmqpEventLog.To(logger),
                stopping);
        }
        catch (LogMissingException missing) when (clusterId != 0)
        {
            throw new NodeHaltedException(
                $"This node belongs to cluster {clusterId:x16}, but its log is gone: {missing.Message} "
                    + "Bring the "
                + "broker's data back; the node then goes on by itself. To give its data up instead, stop "
                + "it and empty its data directory.",
                missing);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_log is not null)
        {
            await _log.DisposeAsync();
        }
        _directory?.Dispose();
    }
}
