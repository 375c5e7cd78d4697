using Kv.Actors.Nodes;

namespace Kv.Actors.Presence;

/// <summary>What a node says of itself once a second, whatever its mode.</summary>
/// <param name="Incarnation">Which run of the node; 1 or more, a later run has a larger one.</param>
/// <param name="Url">Where peers reach its gRPC services.</param>
public sealed record Announcement(
    string NodeId, long Incarnation, string Url, ReplicationMode Mode, NodeState State)
{
    /// <summary>16 hexadecimal digits; empty where there is none.</summary>
    public string ClusterId { get; init; } = "";

    /// <summary>Last log offset applied; in queue mode the count of messages applied.</summary>
    public long AppliedOffset { get; init; }

    public long Revision { get; init; }

    /// <summary>See <see cref="NodeStatus.Digest"/>.</summary>
    public string Digest { get; init; } = "";

    /// <summary>Digest of the contents at the applied offset, hex; empty: not known.</summary>
    public string Contents { get; init; } = "";

    /// <summary>
    /// With whom of its cluster it disagrees, and about what; empty: with nobody. Then nobody writes.
    /// </summary>
    public string Divergence { get; init; } = "";

    /// <summary>Versions of its mode's messages that the node can read.</summary>
    public IReadOnlyList<int> Formats { get; init; } = [AnnouncementCodec.FormatVersion];

    /// <summary>Versions of apply that the node has; none in queue mode.</summary>
    public IReadOnlyList<int> ApplyVersions { get; init; } = [];

    /// <summary>Queue mode only.</summary>
    public QueueAnnouncement? Queue { get; init; }
}

/// <summary>What queue mode's anti-entropy needs to know of a peer.</summary>
/// <param name="ByArrival">It applies by arrival and takes no part in merging.</param>
/// <param name="Time">Lamport clock.</param>
/// <param name="Settled">
/// All writes of its own up to here are in its state, and none so old will come.
/// </param>
/// <param name="Stable">Up to here it has everything that its known members have.</param>
/// <param name="Floor">Up to here its tombstones may be gone.</param>
/// <param name="Buckets">Digests of the 64 buckets of keys.</param>
public sealed record QueueAnnouncement(
    bool ByArrival, long Time, long Settled, long Stable, long Floor, IReadOnlyList<ulong> Buckets);
