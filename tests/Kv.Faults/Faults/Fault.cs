namespace Kv.Faults.Faults;

/// <summary>What can be done to the machines.</summary>
internal enum FaultKind
{
    /// <summary>kill -9 of a node, and its restart.</summary>
    NodeKilled = 1,

    /// <summary>kill -9 of all nodes at once.</summary>
    AllNodesKilled,

    /// <summary>A node comes back with an empty data directory.</summary>
    NodeEmptied,

    /// <summary>SIGSTOP, and SIGCONT later.</summary>
    NodePaused,

    /// <summary>A node is cut from all brokers; clients and other nodes reach it.</summary>
    NodeCut,

    BrokerKilled,

    BrokerPaused,

    /// <summary>A broker is cut from the other brokers; nodes reach it.</summary>
    BrokerCut,

    LeaderKilled,

    LeaderPaused,

    /// <summary>The stream's leader is cut from the other brokers.</summary>
    LeaderCut,

    /// <summary>All brokers but one stand still: there is no majority.</summary>
    MajorityPaused,

    /// <summary>There is no room for a node's snapshots.</summary>
    DiskFull,

    /// <summary>Each write of a node's snapshots takes up to half a second.</summary>
    DiskSlow,
}

/// <summary>One thing to do.</summary>
/// <param name="Target">Which node or broker, as a place in the list; kinds that choose ignore it.</param>
/// <param name="LastsMs">From the fault to its mending.</param>
/// <param name="PauseMs">From its mending to the next one of its lane.</param>
internal sealed record Fault(FaultKind Kind, int Target, int LastsMs, int PauseMs);
