using System.Globalization;

namespace Kv.Host.Recovery;

/// <summary>What an operator is told at a recovery's end; docs/recovery.md shows the same.</summary>
internal static class RecoveryText
{
    public static string Refused(IReadOnlyList<string> objections) => $"""
        Not recovered, nothing was changed.
        {string.Join('\n', objections.Select(static objection => $"  - {objection}"))}
        If no other node can help any more: --accept-loss goes on, and gives up every write that only others
        have.
        """;

    public static string Founds(
        RecoverySettings settings, ulong clusterId, long revision, int keys, string aside)
    {
        string id = clusterId.ToString("x16", CultureInfo.InvariantCulture);
        string name = settings.ExchangeName;
        return $"""
            Recovered {keys} keys at revision {revision} as the base of the new cluster {id}.
            The old files are in {aside}; nothing was deleted.

            1. Start this node first, with its settings as they were but
                 EXCHANGE_NAME={(name.Length > 180 ? name[..180] : name)}-{id[..8]}
               It makes the new log and founds the cluster. Wait until kv status says ready.
            2. On each other node: stop it, then
                 kv-host recover --join {id} --data-dir DIR
               and start it with the same EXCHANGE_NAME. It takes its state from a node that runs.
            3. kv status on all: cluster {id}, ready, and equal digests where the applied offsets are equal.

            """;
    }

    public static string Joins(ulong clusterId, string aside)
    {
        string id = clusterId.ToString("x16", CultureInfo.InvariantCulture);
        return $"""
            This node now belongs to cluster {id} and has nothing yet.
            The old files are in {aside}; nothing was deleted.
            Start it with the EXCHANGE_NAME of the recovered cluster, while another node of that runs.

            """;
    }
}
