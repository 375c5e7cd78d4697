using Kv.Actors.Nodes;
using Kv.Actors.Presence;

namespace Kv.Actors.Membership;

/// <summary>Where peers are that announce themselves, and which cluster they know.</summary>
internal sealed class PeerAddresses(int silentMs)
{
    private readonly SortedDictionary<string, (Announcement Announcement, long HeardAtMs)> _peers =
        new(StringComparer.Ordinal);

    public void Hear(Announcement announced, long nowMs) => _peers[announced.NodeId] = (announced, nowMs);

    public void Forget(string nodeId) => _peers.Remove(nodeId);

    /// <summary>
    /// Whom to ask for a snapshot: members of the cluster ("": of any) that are heard, the most advanced
    /// first, halted or not; then those of the settings.
    /// </summary>
    public IReadOnlyList<Uri> Of(string clusterId, long nowMs, IReadOnlyList<Uri> ofSettings) =>
    [
        .. _peers.Values
            .Where(peer => nowMs - peer.HeardAtMs <= silentMs)
            .Select(static peer => peer.Announcement)
            .Where(peer => peer.ClusterId.Length > 0)
            .Where(peer => clusterId.Length == 0 || peer.ClusterId == clusterId)
            .OrderByDescending(static peer => peer.AppliedOffset)
            .ThenBy(static peer => peer.State == NodeState.Halted)
            .Select(static peer => Uri.TryCreate(peer.Url, UriKind.Absolute, out Uri? url) ? url : null)
            .OfType<Uri>()
            .Concat(ofSettings)
            .Distinct(),
    ];

    /// <summary>
    /// A node that belongs to a cluster, for a person; empty: there is none. One that does not know a cluster
    /// yet is as new as we are.
    /// </summary>
    public string ClusterNearby() => _peers.Values
        .Select(static peer => peer.Announcement)
        .Where(static peer => peer.ClusterId.Length > 0)
        .Select(static peer => $"{peer.NodeId} at {peer.Url} ({peer.State.ToString().ToLowerInvariant()}) "
            + $"belongs to cluster {peer.ClusterId}")
        .FirstOrDefault("");
}
