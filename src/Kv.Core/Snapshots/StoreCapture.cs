using Kv.Core.Auth;
using Kv.Core.Store;

namespace Kv.Core.Snapshots;

/// <summary>
/// The whole store at one offset. Immutable: any thread may write it out while the store goes on. It keeps
/// the index nodes of its moment in memory until it is dropped.
/// </summary>
public sealed class StoreCapture
{
    internal StoreCapture(
        SnapshotHeader header,
        KeyView keys,
        IReadOnlyList<ProducerTable.Producer> producers,
        IReadOnlyList<KeyValuePair<UInt128, RequestTable.Known>> requests,
        IReadOnlyList<ClusterSettings.Record> cluster,
        IReadOnlyList<ChainHistory.Link> chainHistory,
        IReadOnlyList<LeaseRecord> leases,
        IReadOnlyList<RaisedAlarm> alarms,
        AuthTable auth)
    {
        Header = header;
        Keys = keys;
        Producers = producers;
        Requests = requests;
        Cluster = cluster;
        ChainHistory = chainHistory;
        Leases = leases;
        Alarms = alarms;
        Auth = auth;
    }

    public SnapshotHeader Header { get; }

    public KeyView Keys { get; }

    /// <summary>See <see cref="ClusterSettings.LogBytes"/>.</summary>
    public long LogBytes => Cluster.OfType<ClusterSettings.Record.Single>().Sum(
        static single => single.LogBytes);

    /// <summary>By id: a dictionary's own order may differ between nodes.</summary>
    internal IReadOnlyList<ProducerTable.Producer> Producers { get; }

    /// <summary>Oldest first, which is how they are forgotten.</summary>
    internal IReadOnlyList<KeyValuePair<UInt128, RequestTable.Known>> Requests { get; }

    internal IReadOnlyList<ClusterSettings.Record> Cluster { get; }

    /// <summary>Oldest first.</summary>
    internal IReadOnlyList<ChainHistory.Link> ChainHistory { get; }

    /// <summary>By id.</summary>
    internal IReadOnlyList<LeaseRecord> Leases { get; }

    internal IReadOnlyList<RaisedAlarm> Alarms { get; }

    public AuthTable Auth { get; }
}
