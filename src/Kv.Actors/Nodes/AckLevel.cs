namespace Kv.Actors.Nodes;

/// <summary>What an answered write has behind it.</summary>
public enum AckLevel
{
    /// <summary>
    /// The broker replicated it as it is set up to, and this node applied it; no disk was waited for.
    /// </summary>
    Replicated = 1,

    /// <summary>
    /// Beyond that it is on the disks of a majority of the cluster's nodes; in embedded mode, on the one
    /// there is.
    /// </summary>
    Persisted = 2,
}
