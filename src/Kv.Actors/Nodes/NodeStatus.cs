using Kv.Actors.Presence;

namespace Kv.Actors.Nodes;

/// <summary>A node at a moment, for status calls, readiness and people.</summary>
/// <param name="Reason">Why the node is not ready, for a person; empty when it is.</param>
/// <param name="ClusterId">16 hexadecimal digits; empty before the founding entry was applied.</param>
/// <param name="Digest">
/// Chain digest in totally ordered modes, digest of the merged state in queue mode; hex.
/// </param>
public sealed record NodeStatus(
    string NodeId,
    ReplicationMode Mode,
    NodeState State,
    string Reason,
    string ClusterId,
    long AppliedOffset,
    long Revision,
    long Order,
    long Keys,
    string Digest,
    IReadOnlyList<MemberStatus> Members,
    IReadOnlyList<string> Alarms)
{
    /// <summary>Null: the node has no log yet, or its mode has none.</summary>
    public LogStatus? Log { get; init; }

    /// <summary>
    /// Offsets this node is behind the member of its cluster that has applied most; rough, since members
    /// announce themselves once a second. 0 in queue mode, where there is no common log.
    /// </summary>
    public long Lag => LagOf(AppliedOffset);

    /// <inheritdoc cref="Lag"/>
    public long LagOf(MemberStatus member) =>
        member.ClusterId == ClusterId ? LagOf(member.AppliedOffset) : 0;

    private long LagOf(long appliedOffset) => Mode == ReplicationMode.Queue
        ? 0
        : Members.Where(member => member.ClusterId == ClusterId)
            .Select(static member => member.AppliedOffset)
            .Append(AppliedOffset)
            .Max() - appliedOffset;
}

public enum NodeState
{
    /// <summary>Catching up with the log; serves nothing yet.</summary>
    Starting = 1,

    /// <summary>Serves.</summary>
    Ready = 2,

    /// <summary>
    /// The log contradicts what this node has applied; serves nothing until an operator decides.
    /// </summary>
    Halted = 3,
}

/// <summary>Another node as this one last heard it.</summary>
/// <param name="LastSeenMs">Time since it was heard, ms.</param>
public sealed record MemberStatus(
    string NodeId,
    string Url,
    ReplicationMode Mode,
    NodeState State,
    string ClusterId,
    long AppliedOffset,
    long Revision,
    string Digest,
    long LastSeenMs)
{
    /// <summary>Of a node in this process.</summary>
    public static MemberStatus Of(NodeStatus node, string url) => new(
        node.NodeId,
        url,
        node.Mode,
        node.State,
        node.ClusterId,
        node.AppliedOffset,
        node.Revision,
        node.Digest,
        LastSeenMs: 0);

    /// <summary>Of what it announced.</summary>
    public static MemberStatus Of(Member member) => new(
        member.Announcement.NodeId,
        member.Announcement.Url,
        member.Announcement.Mode,
        member.Announcement.State,
        member.Announcement.ClusterId,
        member.Announcement.AppliedOffset,
        member.Announcement.Revision,
        member.Announcement.Digest,
        member.LastSeenMs);
}
