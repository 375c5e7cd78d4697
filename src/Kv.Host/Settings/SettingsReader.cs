using System.Buffers;
using System.Globalization;
using System.Net;
using Kv.Actors.Nodes;
using Kv.Actors.Upkeep;
using Kv.Core;
using Serilog.Events;

namespace Kv.Host.Settings;

/// <summary>A setting that cannot be used. The message names it, its value and what is allowed.</summary>
internal sealed class SettingException(string message) : Exception(message);

/// <summary>Reads and checks the settings; everything wrong is found before anything starts.</summary>
internal sealed class SettingsReader(IConfiguration configuration)
{
    /// <summary>Name of the exchange in stream mode where none is given.</summary>
    public const string StreamExchange = "kv.entries";

    private static readonly SearchValues<char> NameCharacters = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-:");

    /// <exception cref="SettingException">The first setting that cannot be used.</exception>
    public HostSettings Read()
    {
        IReadOnlyList<Uri> amqpUrls = AmqpUrls();
        ReplicationMode mode = Mode(hasBroker: amqpUrls.Count > 0);
        int nodes = (int)Number(Setting.Nodes, 1, 1, 16);
        if (nodes > 1 && mode != ReplicationMode.Embedded)
        {
            throw new SettingException(
                $"{Setting.Nodes.Name} is {nodes}, but several nodes in one process need "
                    + "REPLICATION=embedded; it is "
                + $"{mode.ToString().ToLowerInvariant()}. Start one process per node.");
        }
        int rpcPort = (int)Number(Setting.RpcPort, 50051, 1, 65535);
        int httpPort = (int)Number(Setting.HttpPort, 8080, 0, 65535);
        CheckPorts(nodes, rpcPort, httpPort);
        string bindAddress = BindAddress();
        return new HostSettings
        {
            Mode = mode,
            AmqpUrls = amqpUrls,
            ExchangeName = Name(
                Setting.ExchangeName, mode == ReplicationMode.Queue ? "kv.commands" : StreamExchange, 200),
            RpcPort = rpcPort,
            HttpPort = httpPort,
            BindAddress = bindAddress,
            DataDir = Path.GetFullPath(Text(Setting.DataDir) ?? "data"),
            NodeIds = NodeIds(nodes),
            AdvertisedUrl = AdvertisedUrl(bindAddress, rpcPort),
            MayFound = MayFound(mode),
            ClusterSize = (int)Number(Setting.ClusterSize, 0, 0, 99),
            Ack = Ack(mode),
            AuthTokenTtl = TimeSpan.FromSeconds(Number(Setting.AuthTokenTtl, 300, 1, 86_400)),
            PeerKey = Name(Setting.PeerKey, "", 200),
            LogBytesMax = Number(Setting.LogBytesMax, 8L << 30, 1_000_000_000, 4_000_000_000_000),
            SnapshotLogBytes = Number(Setting.SnapshotLogBytes, 64L << 20, 65_536, 1_000_000_000_000),
            Upkeep = new UpkeepOptions
            {
                QuotaBytes = Number(Setting.QuotaBytes, 2L << 30, 0, 1_000_000_000_000),
                Compaction = AutoCompaction(),
            },
            WatchProgressMs = (int)Number(Setting.WatchProgressMs, 600_000, 100, 86_400_000),
            Peers = Peers(mode, AdvertisedUrl(bindAddress, rpcPort)),
            SkipOffsets = SkipOffsets(mode),
            QueueArrivalOrder = Choice(Setting.QueueOrder, "lww", "lww", "arrival") == "arrival",
            QueueDurable = Choice(Setting.QueueDurable, "false", "true", "false") == "true",
            LogLevel = Level(),
        };
    }

    /// <summary>Makes the data directory, for a process that is to run on it.</summary>
    /// <exception cref="SettingException">It cannot be made.</exception>
    public static void MakeDataDir(HostSettings settings)
    {
        try
        {
            Directory.CreateDirectory(settings.DataDir);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw Wrong(Setting.DataDir, settings.DataDir);
        }
    }

    private string? Text(Setting setting) =>
        configuration[setting.Name]?.Trim() is { Length: > 0 } text ? text : null;

    private IReadOnlyList<Uri> AmqpUrls() =>
        Text(Setting.AmqpUrl) is { } text
            ? [.. text.Split(',', StringSplitOptions.TrimEntries).Select(AmqpUrl)]
            : [];

    private static Uri AmqpUrl(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out Uri? url)
            && url.Scheme is "amqp" or "amqps"
            && url.Host.Length > 0
            ? url
            : throw Wrong(Setting.AmqpUrl, WithoutPassword(text));

    private ReplicationMode Mode(bool hasBroker)
    {
        string text = Choice(
            Setting.Replication, !hasBroker ? "embedded" : "stream", "embedded", "stream", "queue");
        var mode = Enum.Parse<ReplicationMode>(text, ignoreCase: true);
        if (mode == ReplicationMode.Embedded && hasBroker)
        {
            throw new SettingException(
                "REPLICATION is embedded, but AMQP_URL is set, too: embedded mode uses no broker. Unset "
                    + "one of them.");
        }
        if (mode != ReplicationMode.Embedded && !hasBroker)
        {
            throw new SettingException(
                $"REPLICATION is {text}, but AMQP_URL is not set: {Setting.AmqpUrl.Allowed}.");
        }
        return mode;
    }

    private bool MayFound(ReplicationMode mode)
    {
        bool mayFound = Choice(Setting.Cluster, "auto", "auto", "join") == "auto";
        return mayFound || mode == ReplicationMode.Stream
            ? mayFound
            : throw new SettingException(
                $"{Setting.Cluster.Name} is join, which REPLICATION=stream has only; it is "
                + $"{mode.ToString().ToLowerInvariant()}. Unset it.");
    }

    private AckLevel Ack(ReplicationMode mode)
    {
        bool isPersisted =
            Choice(Setting.Ack, "replicated", "replicated", "persisted") == "persisted";
        if (isPersisted && mode != ReplicationMode.Stream)
        {
            throw new SettingException(
                $"{Setting.Ack.Name} is persisted, which REPLICATION=stream has only; it is "
                + $"{mode.ToString().ToLowerInvariant()}. Unset it"
                + (mode == ReplicationMode.Embedded ? ": the embedded log is always fsynced." : "."));
        }
        if (isPersisted && Number(Setting.ClusterSize, 0, 0, 99) == 0)
        {
            throw new SettingException(
                $"{Setting.Ack.Name} is persisted, but {Setting.ClusterSize.Name} "
                + $"({Setting.ClusterSize.Option}) is not set: a majority of how many nodes?");
        }
        return isPersisted ? AckLevel.Persisted : AckLevel.Replicated;
    }

    private IReadOnlyList<string> NodeIds(int nodes)
    {
        if (nodes == 1)
        {
            return [Name(Setting.NodeId, Environment.MachineName, KvLimits.NodeIdBytesMax)];
        }
        const int NumberCharsMax = 3;
        string prefix = Name(Setting.NodeId, "node", KvLimits.NodeIdBytesMax);
        if (prefix.Length > KvLimits.NodeIdBytesMax - NumberCharsMax)
        {
            throw new SettingException(
                $"NODE_ID (--node-id) is \"{prefix}\"; with {nodes} nodes in one process it may have "
                + $"{KvLimits.NodeIdBytesMax - NumberCharsMax} characters, since each gets a number.");
        }
        return [.. Enumerable.Range(1, nodes).Select(i => $"{prefix}-{i}")];
    }

    private string BindAddress()
    {
        string text = Text(Setting.BindAddress) ?? "localhost";
        return text is "localhost" or "*" || IPAddress.TryParse(text, out _)
            ? text
            : throw Wrong(Setting.BindAddress, text);
    }

    private CompactionPolicy AutoCompaction()
    {
        string text = Text(Setting.AutoCompaction) ?? Setting.AutoCompaction.Default;
        return CompactionPolicy.TryParse(text) ?? throw Wrong(Setting.AutoCompaction, text);
    }

    private string AdvertisedUrl(string bindAddress, int rpcPort)
    {
        string host = bindAddress switch
        {
            "*" or "0.0.0.0" or "::" => Environment.MachineName,
            "localhost" => "localhost",
            _ when bindAddress.Contains(':') => $"[{bindAddress}]",
            _ => bindAddress,
        };
        string text = Text(Setting.AdvertisedUrl) ?? $"http://{host}:{rpcPort}";
        return Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && url.Scheme is "http" or "https"
            ? text
            : throw Wrong(Setting.AdvertisedUrl, text);
    }

    private IReadOnlyList<Uri> Peers(ReplicationMode mode, string advertisedUrl)
    {
        if (Text(Setting.Peers) is not { } text)
        {
            return [];
        }
        if (mode != ReplicationMode.Stream)
        {
            throw new SettingException(
                $"{Setting.Peers.Name} is set, which REPLICATION=stream has only; it is "
                + $"{mode.ToString().ToLowerInvariant()}. Unset it.");
        }
        var own = new Uri(advertisedUrl);
        return [.. PeersOf(text).Where(peer => peer != own)];
    }

    /// <exception cref="SettingException">One of them is no address.</exception>
    public static IEnumerable<Uri> PeersOf(string text) =>
        text.Split(',', StringSplitOptions.TrimEntries).Select(Peer);

    private HashSet<long> SkipOffsets(ReplicationMode mode)
    {
        if (Text(Setting.SkipOffset) is not { } text)
        {
            return [];
        }
        if (mode == ReplicationMode.Queue)
        {
            throw new SettingException(
                $"{Setting.SkipOffset.Name} is set, but REPLICATION is queue, which has no log. Unset it.");
        }
        HashSet<long> offsets = [];
        foreach (string part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            if (!long.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out long offset))
            {
                throw Wrong(Setting.SkipOffset, text);
            }
            offsets.Add(offset);
        }
        return offsets.Count <= KvLimits.SkippedOffsetsMax ? offsets : throw Wrong(Setting.SkipOffset, text);
    }

    private static Uri Peer(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out Uri? url)
            && url.Scheme is "http" or "https"
            && url.Host.Length > 0
            && url.PathAndQuery == "/"
            ? url
            : throw Wrong(Setting.Peers, text);

    private static void CheckPorts(int nodes, int rpcPort, int httpPort)
    {
        if (rpcPort + nodes - 1 > 65535 || (httpPort > 0 && httpPort + nodes - 1 > 65535))
        {
            throw new SettingException(
                $"RPC_PORT {rpcPort} and HTTP_PORT {httpPort} leave no room for {nodes} consecutive ports "
                    + "below 65536.");
        }
        if (httpPort > 0 && Math.Abs(rpcPort - httpPort) < nodes)
        {
            throw new SettingException(
                $"RPC_PORT {rpcPort} and HTTP_PORT {httpPort} overlap with {nodes} node(s): gRPC and "
                + "HTTP/1.1 need ports of their own.");
        }
    }

    private LogEventLevel Level()
    {
        string text = Text(Setting.LogLevel) ?? "Information";
        return text.ToUpperInvariant() switch
        {
            "VERBOSE" or "TRACE" => LogEventLevel.Verbose,
            "DEBUG" => LogEventLevel.Debug,
            "INFORMATION" or "INFO" => LogEventLevel.Information,
            "WARNING" or "WARN" => LogEventLevel.Warning,
            "ERROR" => LogEventLevel.Error,
            "FATAL" or "CRITICAL" => LogEventLevel.Fatal,
            _ => throw Wrong(Setting.LogLevel, text),
        };
    }

    private long Number(Setting setting, long otherwise, long min, long max)
    {
        if (Text(setting) is not { } text)
        {
            return otherwise;
        }
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            && number >= min
            && number <= max
            ? number
            : throw Wrong(setting, text);
    }

    private string Choice(Setting setting, string otherwise, params ReadOnlySpan<string> allowed)
    {
        string text = Text(setting) ?? otherwise;
        string word = text.ToLowerInvariant();
        return allowed.Contains(word) ? word : throw Wrong(setting, text);
    }

    private string Name(Setting setting, string otherwise, int charactersMax)
    {
        string text = Text(setting) ?? otherwise;
        return text.Length <= charactersMax && !text.AsSpan().ContainsAnyExcept(NameCharacters)
            ? text
            : throw Wrong(setting, text);
    }

    private static SettingException Wrong(Setting setting, string value) => new(
        $"{setting.Name} ({setting.Option}) is \"{value}\"; allowed is {setting.Allowed}.");

    private static string WithoutPassword(string url)
    {
        int start = url.IndexOf("//", StringComparison.Ordinal) is var scheme and >= 0 ? scheme + 2 : 0;
        int at = url.LastIndexOf('@');
        if (at >= start)
        {
            return $"{url[..start]}…{url[at..]}";
        }
        // Where the @ was forgotten the password stands in the place of the port.
        int port = url.LastIndexOf(':') + 1;
        int portEnd = url.AsSpan(port).IndexOfAnyExceptInRange('0', '9');
        return port < start || portEnd < 0 || url[port + portEnd] == '/' ? url : $"{url[..port]}…";
    }
}
