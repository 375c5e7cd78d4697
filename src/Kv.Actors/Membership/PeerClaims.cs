using Kv.Actors.Nodes;
using Kv.Actors.Presence;
using Kv.Core.Store;

namespace Kv.Actors.Membership;

/// <summary>
/// What the peers of this cluster claim to have applied, set against what this node has: which claims are
/// still to be settled, who contradicts us, and whether the log has lost what a peer had read from it. Only
/// decisions: no actor, no clock.
/// </summary>
/// <remarks>
/// It does not matter whether a peer has halted, only what it has: one that halted for a reason of its own
/// agrees with our history and is in nobody's way; one that halted because the log was rewritten either
/// contradicts us or is ahead of all that our log will ever have.
/// </remarks>
internal sealed class PeerClaims
{
    private readonly SortedDictionary<string, Peer> _peers = new(StringComparer.Ordinal);

    /// <summary>Claims of a cluster's members that this node could not judge yet.</summary>
    public IReadOnlyList<PeerClaim> Unsettled(string clusterId) =>
    [
        .. Of(clusterId).Select(static peer => peer.Unsettled).OfType<PeerClaim>(),
    ];

    public void Hear(Announcement announced, long nowMs)
    {
        if (announced.Mode != ReplicationMode.Stream)
        {
            return;
        }
        if (!_peers.TryGetValue(announced.NodeId, out Peer? peer)
            || peer.Incarnation != announced.Incarnation)
        {
            // What a former run said is not held against this one: it starts from the log anew.
            peer = new Peer(announced.Incarnation);
            _peers[announced.NodeId] = peer;
        }
        peer.ClusterId = announced.ClusterId;
        peer.Divergence = announced.Divergence.Length > 0
            ? $"{announced.NodeId} at {announced.Url} says: {announced.Divergence}"
            : "";
        // The oldest first: under load a peer is always a little ahead, and its newest claim would never be
        // settled.
        peer.Unsettled ??= PeerClaim.Of(announced, nowMs);
    }

    /// <summary>It left, or was silent for so long that it is no member any more.</summary>
    public void Forget(string nodeId) => _peers.Remove(nodeId);

    public void Settle(PeerClaim claim, HistoryVerdict verdict)
    {
        if (!_peers.TryGetValue(claim.NodeId, out Peer? peer) || peer.Unsettled != claim)
        {
            return;
        }
        if (verdict == HistoryVerdict.Ahead)
        {
            return;
        }
        peer.Unsettled = null;
        if (peer.Contradiction.Length > 0)
        {
            // What once was different stays so, even where later entries hide it.
            return;
        }
        peer.Contradiction = verdict switch
        {
            HistoryVerdict.OtherHistory => $"{claim.NodeId} at {claim.Url} has another history up to offset "
                + $"{claim.Offset} than this node: the log was rewritten under one of them.",
            HistoryVerdict.OtherContents => $"{claim.NodeId} at {claim.Url} has other contents at offset "
                + $"{claim.Offset} than this node, though both applied the same log: one of them applied it "
                + "wrongly.",
            _ => "",
        };
    }

    /// <summary>
    /// The first message appended after a moment stands at this offset. A claim heard before that moment is
    /// below it, or the log has lost what the peer had applied.
    /// </summary>
    public void SettleTail(string clusterId, long tailOffset, long soughtAtMs)
    {
        foreach (Peer peer in Of(clusterId))
        {
            if (peer.Unsettled is { } claim && claim.HeardAtMs < soughtAtMs && claim.Offset >= tailOffset)
            {
                peer.LostTail = $"{claim.NodeId} at {claim.Url} has applied the log up to offset "
                    + $"{claim.Offset}, but it goes on at offset {tailOffset}: it lost entries or was made "
                    + "anew.";
            }
        }
    }

    /// <summary>Why a node that starts must not serve yet; empty: nothing.</summary>
    public string WhyNotReady(string clusterId) => First(
        clusterId,
        static peer => peer.LostTail,
        static peer => peer.Contradiction,
        static peer => peer.Divergence,
        static peer => peer.Unsettled is { } claim
            ? $"{claim.NodeId} at {claim.Url} has applied the log up to offset {claim.Offset}; this node has "
                + "not read it so far."
            : "");

    /// <summary>What this node itself found, for the others to know; empty: nothing.</summary>
    public string Divergence(string clusterId) => First(clusterId, static peer => peer.Contradiction);

    /// <summary>Why nobody may write until an operator has decided; empty: nothing.</summary>
    public string WhyNoWrites(string clusterId) => First(
        clusterId, static peer => peer.Contradiction, static peer => peer.Divergence);

    /// <summary>Proof that the log has lost entries; empty: none.</summary>
    public string LostTail(string clusterId) => First(clusterId, static peer => peer.LostTail);

    private IEnumerable<Peer> Of(string clusterId) => clusterId.Length == 0
        ? []
        : _peers.Values.Where(peer => peer.ClusterId == clusterId);

    private string First(string clusterId, params Func<Peer, string>[] reasons) =>
        reasons.SelectMany(reason => Of(clusterId).Select(reason))
            .FirstOrDefault(static text => text.Length > 0, "");

    private sealed class Peer(long incarnation)
    {
        public long Incarnation { get; } = incarnation;

        public string ClusterId { get; set; } = "";

        public PeerClaim? Unsettled { get; set; }

        public string Contradiction { get; set; } = "";

        public string LostTail { get; set; } = "";

        public string Divergence { get; set; } = "";
    }
}
