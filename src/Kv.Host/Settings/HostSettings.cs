using Kv.Actors.Log.Amqp;
using Kv.Actors.Nodes;
using Kv.Actors.Upkeep;
using Kv.Core.Store;
using Serilog.Events;

namespace Kv.Host.Settings;

/// <summary>The host's settings, checked.</summary>
internal sealed record HostSettings
{
    public required ReplicationMode Mode { get; init; }

    /// <summary>Brokers of one cluster; none in embedded mode.</summary>
    public required IReadOnlyList<Uri> AmqpUrls { get; init; }

    public required string ExchangeName { get; init; }

    public required int RpcPort { get; init; }

    /// <summary>0: no HTTP port.</summary>
    public required int HttpPort { get; init; }

    /// <summary>localhost, * or an IP address.</summary>
    public required string BindAddress { get; init; }

    public required string DataDir { get; init; }

    /// <summary>Ids of the nodes in this process, in the order of their ports.</summary>
    public required IReadOnlyList<string> NodeIds { get; init; }

    public required string AdvertisedUrl { get; init; }

    public required bool MayFound { get; init; }

    public required int ClusterSize { get; init; }

    public required AckLevel Ack { get; init; }

    /// <summary>How long the token of an authenticated user is good, unused.</summary>
    public required TimeSpan AuthTokenTtl { get; init; }

    /// <summary>What peers know each other by; empty: by nothing.</summary>
    public required string PeerKey { get; init; }

    public required long LogBytesMax { get; init; }

    /// <summary>Bytes of the log after which a snapshot is written.</summary>
    public required long SnapshotLogBytes { get; init; }

    /// <summary>gRPC addresses of other nodes; this one's own is left out.</summary>
    public required IReadOnlyList<Uri> Peers { get; init; }

    /// <summary>Offsets whose entry is passed over where nobody can read it.</summary>
    public required IReadOnlySet<long> SkipOffsets { get; init; }

    /// <summary>Quota and compaction.</summary>
    public required UpkeepOptions Upkeep { get; init; }

    public required int WatchProgressMs { get; init; }

    public required bool QueueArrivalOrder { get; init; }

    public required bool QueueDurable { get; init; }

    public required LogEventLevel LogLevel { get; init; }

    /// <summary>The brokers for a node; nodes with consecutive names start from different ones.</summary>
    public BrokerList BrokersOf(string nodeId) => new(AmqpUrls, nodeId.Sum(static character => character));

    /// <summary>As <see cref="AdvertisedUrl"/>, of a node of this process.</summary>
    public string UrlOf(int rpcPort) => rpcPort == RpcPort
        ? AdvertisedUrl
        : new UriBuilder(AdvertisedUrl) { Port = rpcPort }.Uri.GetLeftPart(UriPartial.Authority);

    public StoreRules StoreRules => StoreRules.OfThisBuild with { SkipOffsets = SkipOffsets };
}
