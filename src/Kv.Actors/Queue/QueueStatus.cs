using Kv.Actors.Nodes;
using Kv.Actors.Presence;

namespace Kv.Actors.Queue;

/// <summary>A node's status from what its actors say.</summary>
internal static class QueueStatus
{
    public static NodeStatus Of(string nodeId, QueueStoreActor.Description own, IReadOnlyList<Member> members,
        string? unavailableBecause) => new(
            nodeId,
            ReplicationMode.Queue,
            own.State,
            own.Reason,
            ClusterId: "",
            AppliedOffset: own.Order,
            Revision: 0,
            own.Order,
            own.Keys,
            own.Digest.ToString(),
            [.. members.Select(MemberStatus.Of)],
            [.. Alarms(own, unavailableBecause)]);

    private static IEnumerable<string> Alarms(QueueStoreActor.Description own, string? unavailableBecause)
    {
        if (unavailableBecause is not null) { yield return $"Cannot publish: {unavailableBecause}"; }
        if (own.Missing > 0) { yield return $"{own.Missing} messages are missing and sought at peers."; }
        if (own.Counters.Malformed > 0)
        {
            yield return $"{own.Counters.Malformed} malformed messages were ignored since the start.";
        }
        if (own.Counters.Stale > 0)
        {
            yield return
                $"{own.Counters.Stale} messages older than the deletions known were discarded.";
        }
    }
}
