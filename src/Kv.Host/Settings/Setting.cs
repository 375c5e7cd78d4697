namespace Kv.Host.Settings;

/// <summary>
/// One setting: an environment variable, an option of the same meaning, and a name in appsettings.json.
/// </summary>
/// <param name="Name">Environment variable and appsettings name.</param>
/// <param name="Default">What holds when it is not given; shown in help.</param>
/// <param name="Allowed">What a value may be, for help and errors.</param>
/// <param name="About">What it does, one sentence.</param>
internal sealed record Setting(string Name, string Default, string Allowed, string About)
{
    /// <summary>
    /// AMQP_URL is --amqp-url; the KV_ prefix is for the environment only: KV_NODES is --nodes.
    /// </summary>
    public string Option => "--" + (Name.StartsWith("KV_", StringComparison.Ordinal) ? Name[3..] : Name)
        .ToLowerInvariant().Replace('_', '-');

    public static readonly Setting AmqpUrl = new(
        "AMQP_URL",
        "none",
        "amqp://user:password@host:5672/vhost or amqps://…, separated by commas",
        "The RabbitMQ broker, or several of one cluster: a node uses one and goes on to the next when that "
            + "one fails.");

    public static readonly Setting Replication = new(
        "REPLICATION",
        "stream with AMQP_URL, else embedded",
        "embedded, stream or queue",
        "How commands reach the other nodes; see README, modes and promises.");

    public static readonly Setting ExchangeName = new(
        "EXCHANGE_NAME",
        "kv.entries (stream), kv.commands (queue)",
        "1 to 200 letters, digits and . _ - :",
        "The fanout exchange that all nodes of a cluster share.");

    public static readonly Setting NodeId = new(
        "NODE_ID",
        "this host's name; with --nodes N: node-1 … node-N",
        "1 to 64 letters, digits and . _ - :",
        "This node's name, unique in its cluster.");

    public static readonly Setting RpcPort = new(
        "RPC_PORT", "50051", "1 to 65535", "gRPC (HTTP/2 without TLS). With --nodes N: the first of N "
            + "ports.");

    public static readonly Setting HttpPort = new(
        "HTTP_PORT",
        "8080",
        "0 to 65535",
        "HTTP/1.1: JSON API, /healthz, /readyz. 0: none. With --nodes N: the first of N ports.");

    public static readonly Setting BindAddress = new(
        "KV_BIND_ADDRESS", "localhost", "localhost, * (all) or an IP address", "Where the ports listen.");

    public static readonly Setting AdvertisedUrl = new(
        "KV_ADVERTISED_URL",
        "http://HOST:RPC_PORT",
        "http://host:port",
        "Where other nodes reach this node's gRPC port.");

    public static readonly Setting DataDir = new(
        "KV_DATA_DIR", "./data", "a directory that can be written", "What has to outlive this process.");

    public static readonly Setting Nodes = new(
        "KV_NODES", "1", "1 to 16", "Nodes in this process, on consecutive ports; embedded mode only.");

    public static readonly Setting Cluster = new(
        "KV_CLUSTER",
        "auto",
        "auto or join",
        "auto: found a cluster when the log is new and the data directory empty. join: never.");

    public static readonly Setting ClusterSize = new(
        "KV_CLUSTER_SIZE", "0", "0 to 99", "Members the cluster is meant to have, recorded when it is "
            + "founded; 0: not said.");

    public static readonly Setting Ack = new(
        "ACK",
        "replicated",
        "replicated or persisted",
        "Stream mode: what an answered write has behind it. persisted: it is on the disks of a majority of "
            + "KV_CLUSTER_SIZE nodes, which needs that setting, and the same ACK on all nodes.");

    public static readonly Setting AuthTokenTtl = new(
        "KV_AUTH_TOKEN_TTL",
        "300",
        "1 to 86400",
        "Seconds that the token of an authenticated user is good unused; the same on all nodes.");

    public static readonly Setting PeerKey = new(
        "KV_PEER_KEY",
        "none",
        "letters, digits and . _ - :, at most 200",
        "A secret that the nodes of a cluster share: with it, a node gives another its snapshot although "
            + "users are checked.");

    public static readonly Setting LogBytesMax = new(
        "KV_LOG_BYTES_MAX",
        "8589934592",
        "1000000000 to 4000000000000",
        "Most bytes the stream keeps on the broker; fixed when it is created.");

    public static readonly Setting SnapshotLogBytes = new(
        "KV_SNAPSHOT_LOG_BYTES",
        "67108864",
        "65536 to 1000000000000",
        "A snapshot is written to KV_DATA_DIR each time so many bytes of the log were applied, and half as "
            + "many as the last snapshot has.");

    public static readonly Setting WatchProgressMs = new(
        "KV_WATCH_PROGRESS_MS",
        "600000",
        "100 to 86400000",
        "From one time to the next, ms, that a watch which wants it and had no events is told how far it "
            + "is.");

    public static readonly Setting Peers = new(
        "KV_PEERS",
        "none",
        "http://host:port, separated by commas",
        "gRPC addresses of other nodes; stream mode only. A node whose own state does not lead into the log "
            + "any more takes a snapshot from one of them. Nodes that announce themselves on the exchange "
            + "need not be named. The list may be the same on all nodes.");

    public static readonly Setting SkipOffset = new(
        "KV_SKIP_OFFSET",
        "none",
        "offsets, separated by commas; at most 64",
        "Entries of the log that nobody can read and that are passed over, which loses what they said. The "
            + "same on all nodes. An entry that can be read is applied all the same.");

    public static readonly Setting QuotaBytes = new(
        "KV_QUOTA_BYTES",
        "2147483648",
        "0 to 1000000000000",
        "Bytes of keys, values and their history beyond which the alarm NOSPACE stops writes that add; 0: no "
            + "quota. All of it is in memory.");

    public static readonly Setting AutoCompaction = new(
        "KV_AUTO_COMPACTION",
        "revisions:100000",
        "off, revisions:N, age:Ns, age:Nm or age:Nh",
        "How much of the keys' history is kept for watchers and reads at old revisions; less where it takes "
            + "more than an eighth of the quota. etcd's default is off.");

    public static readonly Setting QueueOrder = new(
        "QUEUE_ORDER", "lww", "lww or arrival", "Queue mode: last writer wins, or apply in order of "
            + "arrival (diverges).");

    public static readonly Setting QueueDurable = new(
        "QUEUE_DURABLE", "false", "true or false", "Queue mode: keep this node's queue while it is away.");

    public static readonly Setting LogLevel = new(
        "LOG_LEVEL",
        "Information",
        "Verbose, Debug, Information, Warning, Error or Fatal",
        "Least level that is logged. Every applied command of the simple API is logged at Information.");

    public static readonly IReadOnlyList<Setting> All =
    [
        RpcPort, HttpPort, BindAddress, NodeId, DataDir, Nodes, Replication, AmqpUrl, ExchangeName,
        AdvertisedUrl, Cluster, ClusterSize, Ack, AuthTokenTtl, LogBytesMax, SnapshotLogBytes, Peers,
        PeerKey, SkipOffset, QuotaBytes, AutoCompaction, WatchProgressMs, QueueOrder, QueueDurable, LogLevel,
    ];
}
