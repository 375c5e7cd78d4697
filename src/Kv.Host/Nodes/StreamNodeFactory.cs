using Akka.Actor;
using Kv.Actors.Fanouts;
using Kv.Actors.Journal;
using Kv.Actors.Log;
using Kv.Actors.Log.Amqp;
using Kv.Actors.Membership;
using Kv.Actors.Nodes;
using Kv.Actors.Presence;
using Kv.Actors.Publishing;
using Kv.Actors.Snapshots;
using Kv.Core.Entries;
using Kv.Files;
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

    /// <summary>Longest wait for the peers' word before the log is left alone once more, ms.</summary>
    private const int AdmissionTimeoutMs = 5_000;

    private readonly SnapshotFiles _snapshots = new(
        Path.Combine(settings.DataDir, StoreLoader.SnapshotDirectory), rules: settings.StoreRules);

    private DataDirectory? _directory;
    private EarlyLoad? _early;
    private ClusterMembership? _membership;
    private IReplicationLog? _log;
    private IFanout? _heads;

    public async Task<IKvNode> StartAsync(ActorSystem system, NodeSlot slot, CancellationToken stopping)
    {
        _directory ??= DataDirectory.Open(settings.DataDir);
        Genesis? genesis = await _directory.ReadBaseAsync(_snapshots, stopping);
        string journal = Path.Combine(settings.DataDir, StoreLoader.JournalDirectory);
        _early ??= EarlyLoad.Start(_snapshots, journal, stopping);
        _membership ??= await JoinAsync(system, slot, _directory.ClusterId);
        // Before the log is touched: whether this node may make one depends on who is there.
        await AwaitAdmissionAsync(_membership, stopping);
        bool mayFound = settings.MayFound
            && _directory.ClusterId == 0
            && (genesis is not null || _snapshots.List().Count == 0);
        _log ??= await OpenLogAsync(slot, _directory.ClusterId, mayFound, _membership, stopping);
        ClusterMembership membership = _membership;
        return await LogNode.StartAsync(system, new LogNodeOptions
        {
            NodeId = slot.NodeId,
            Mode = ReplicationMode.Stream,
            Log = _log,
            Publisher = new PublisherOptions
            {
                MayFound = mayFound,
                Genesis = genesis,
                FoundingDelayMs = FoundingDelayMs,
                FoundingObjection = () => membership.ClusterNearby,
                ClusterSize = settings.ClusterSize,
                Ack = settings.Ack,
                Retention = new RetentionLimits(settings.LogBytesMax, AmqpOptions.SegmentBytesDefault),
            },
            Snapshots = new SnapshotOptions
            {
                Files = _snapshots,
                Early = _early,
                // Whatever was asked for: this node's own snapshot must not be why the log gets full.
                LogBytes = settings.SnapshotLogBytes,
                LogBytesMax = settings.LogBytesMax / 4,
                Peers = new PeerSnapshots(membership, (peer, clusterId, offsetMin, stop) =>
                    PeerSnapshotClient.ExportAsync(settings.PeerKey, peer, clusterId, offsetMin, stop)),
            },
            Journal = new JournalOptions
            {
                Directory = journal,
                Persisted = _heads is null ? null : new PersistedAck(_heads, settings.ClusterSize),
            },
            Membership = membership,
            ListMembers = async cancellation =>
                [.. (await membership.ListAsync(cancellation)).Select(MemberStatus.Of)],
            ExpectedClusterId = _directory.ClusterId,
            OnClusterKnown = _directory.Join,
            Rules = settings.StoreRules,
            Upkeep = settings.Upkeep,
            WatchProgressIntervalMs = settings.WatchProgressMs,
            OnFatal = () => ExitCodes.Stop(lifetime, ExitCodes.Fatal),
            OnRefused = _ => ExitCodes.Stop(lifetime, ExitCodes.Refused),
        });
    }

    public async ValueTask DisposeAsync()
    {
        if (_log is not null)
        {
            await _log.DisposeAsync();
        }
        if (_membership is not null)
        {
            await _membership.DisposeAsync();
        }
        if (_heads is not null)
        {
            await _heads.DisposeAsync();
        }
        _directory?.Dispose();
    }

    private async Task<ClusterMembership> JoinAsync(ActorSystem system, NodeSlot slot, ulong clusterId)
    {
        string[] exchanges = settings.Ack == AckLevel.Persisted ? ["presence", "persisted"] : ["presence"];
        var fanouts = new AmqpFanouts(
            LogOptions(slot),
            [
                .. exchanges.Select(name => new AmqpQueue
                {
                    Exchange = $"{settings.ExchangeName}.{name}",
                    IsExchangeDurable = false,
                }),
            ],
            AmqpEventLog.To(logger));
        _heads = fanouts.Fanouts.ElementAtOrDefault(1);
        return await ClusterMembership.StartAsync(
            system,
            new MembershipOptions
            {
                NodeId = slot.NodeId,
                Url = settings.AdvertisedUrl,
                ClusterId = clusterId,
                PeersOfSettings = settings.Peers,
            },
            fanouts.Fanouts[0]);
    }

    private static async Task AwaitAdmissionAsync(ClusterMembership membership, CancellationToken stopping)
    {
        try
        {
            await membership.Admitted.WaitAsync(TimeSpan.FromMilliseconds(AdmissionTimeoutMs), stopping);
        }
        catch (TimeoutException)
        {
            throw new LogUnavailableException(membership.Trouble.Length > 0
                ? membership.Trouble
                : "The broker does not answer.");
        }
    }

    private AmqpOptions LogOptions(NodeSlot slot) => new AmqpOptions
    {
        Brokers = settings.BrokersOf(slot.NodeId),
        ExchangeName = settings.ExchangeName,
        LogBytesMax = settings.LogBytesMax,
        ClientName = $"kv {slot.NodeId}",
    }.Validate();

    private async Task<IReplicationLog> OpenLogAsync(
        NodeSlot slot,
        ulong clusterId,
        bool mayFound,
        ClusterMembership membership,
        CancellationToken stopping)
    {
        string nearby = membership.ClusterNearby;
        bool mayCreate = mayFound && nearby.Length == 0;
        try
        {
            return await AmqpStreamLog.OpenAsync(
                LogOptions(slot),
                mayCreate ? LogDeclaration.CreateIfMissing : LogDeclaration.MustExist,
                AmqpEventLog.To(logger),
                stopping);
        }
        catch (AmqpSettingMismatchException mismatch)
        {
            throw new NodeRefusedException(mismatch.Message, mismatch);
        }
        catch (LogMissingException missing) when (clusterId != 0)
        {
            return new MissingLog(
                $"{missing.Message} This node belongs to cluster {clusterId:x16}. If the broker gets its "
                + "data back, start the node again.");
        }
        catch (LogMissingException missing) when (mayFound && !mayCreate)
        {
            throw new LogMissingException($"{missing.Message} {nearby}: nobody founds beside it.", missing);
        }
    }
}
