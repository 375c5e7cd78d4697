using System.Globalization;
using Kv.Host.Settings;

namespace Kv.Host.Recovery;

/// <summary>What a recovery works on.</summary>
internal sealed record RecoverySettings
{
    public required string DataDirectory { get; init; }

    /// <summary>Addresses of the other members; this node's own may be among them.</summary>
    public required IReadOnlyList<Uri> Peers { get; init; }

    /// <summary>The exchange as it was named so far.</summary>
    public required string ExchangeName { get; init; }

    /// <summary>Null: as recorded.</summary>
    public int? ClusterSize { get; init; }

    public bool AcceptsLoss { get; init; }

    /// <summary>The recovered cluster to join; 0: found it here.</summary>
    public ulong JoinClusterId { get; init; }

    /// <exception cref="SettingException">The first one that cannot be used.</exception>
    public static RecoverySettings Read(
        IConfiguration configuration, int? clusterSize, bool acceptsLoss, string? join)
    {
        if (clusterSize is < 1 or > 99)
        {
            throw new SettingException($"--cluster-size is {clusterSize}; allowed is 1 to 99.");
        }
        ulong joinId = 0;
        if (join is not null && (!ulong.TryParse(
            join, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out joinId) || joinId == 0))
        {
            throw new SettingException(
                $"--join is \"{join}\"; allowed is the id of a cluster, 16 hexadecimal digits, as kv status "
                + "shows it.");
        }
        string directory = Path.GetFullPath(Text(Setting.DataDir) ?? "data");
        return new RecoverySettings
        {
            DataDirectory = Directory.Exists(directory)
                ? directory
                : throw new SettingException($"There is no data directory {directory}."),
            Peers = Text(Setting.Peers) is { } peers ? [.. SettingsReader.PeersOf(peers)] : [],
            ExchangeName = Text(Setting.ExchangeName) ?? SettingsReader.StreamExchange,
            ClusterSize = clusterSize,
            AcceptsLoss = acceptsLoss,
            JoinClusterId = joinId,
        };

        string? Text(Setting setting) =>
            configuration[setting.Name]?.Trim() is { Length: > 0 } text ? text : null;
    }
}
