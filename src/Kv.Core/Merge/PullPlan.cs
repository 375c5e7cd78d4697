namespace Kv.Core.Merge;

/// <summary>
/// Decides from whom to pull, and when: from a peer whose digests have differed for longer than messages are
/// under way; from anyone while messages are known to be missing; and from a peer not compared for long while
/// tombstones wait for that. Times in ms on the caller's clock.
/// </summary>
public sealed class PullPlan(long settleMs, long intervalMs, long silentMs)
{
    /// <summary>After so many pulls in vain, what is missing is nowhere to be had.</summary>
    private const int GapPullsMax = 6;

    /// <summary>Unequal for so many intervals, a peer is pulled only to let the floor rise.</summary>
    private const int CompareIntervals = 4;

    private readonly Dictionary<string, Peer> _peers = [];
    private long _nextPullAt = long.MinValue;
    private long _missingSince = -1;
    private int _gapPulls;

    /// <summary>A peer announced itself, with a bit for each bucket that differs from ours.</summary>
    public void Compared(string nodeId, ulong differing, long nowMs)
    {
        if (!_peers.TryGetValue(nodeId, out Peer? peer))
        {
            _peers.Add(nodeId, peer = new Peer { EqualAt = nowMs });
        }
        peer.HeardAt = nowMs;
        if (differing == 0) { peer.EqualAt = nowMs; }
        for (int bucket = 0; bucket < MergeLimits.Buckets; bucket++)
        {
            bool differs = (differing & (1UL << bucket)) != 0;
            if (!differs) { peer.DifferingSince[bucket] = -1; }
            else if (peer.DifferingSince[bucket] < 0) { peer.DifferingSince[bucket] = nowMs; }
        }
    }

    /// <summary>So many messages are known to be missing, and so many tombstones wait.</summary>
    public void Described(long missing, int tombstones, long nowMs)
    {
        HasTombstones = tombstones > 0;
        if (missing == 0)
        {
            _missingSince = -1;
            _gapPulls = 0;
        }
        else if (_missingSince < 0)
        {
            _missingSince = nowMs;
        }
    }

    public void Forget(string nodeId) => _peers.Remove(nodeId);

    /// <summary>True when the gaps should be given up: nobody had what is missing.</summary>
    public bool HasGivenUpGaps => _gapPulls >= GapPullsMax;

    private bool HasTombstones { get; set; }

    /// <summary>The peer to pull from now, the one not pulled for longest; null: none.</summary>
    /// <param name="jitterMs">Random; added to the interval, so that nodes do not pull in step.</param>
    public string? Choose(long nowMs, long jitterMs)
    {
        if (nowMs < _nextPullAt) { return null; }
        bool isMissing = _missingSince >= 0 && nowMs - _missingSince >= settleMs;
        string? chosen = null;
        long pulledAtMin = long.MaxValue;
        foreach ((string nodeId, Peer peer) in _peers)
        {
            bool isLive = nowMs - peer.HeardAt <= silentMs;
            bool isWanted = isMissing || HasSettledDifference(peer, nowMs)
                || (HasTombstones && nowMs - peer.EqualAt > CompareIntervals * intervalMs);
            if (!isLive || !isWanted || peer.PulledAt >= pulledAtMin) { continue; }
            chosen = nodeId;
            pulledAtMin = peer.PulledAt;
        }
        if (chosen is null) { return null; }
        if (isMissing) { _gapPulls++; }
        _peers[chosen].PulledAt = nowMs;
        _nextPullAt = nowMs + intervalMs + jitterMs;
        return chosen;
    }

    /// <summary>A pull ended well: all the peer had is here.</summary>
    public void Pulled(string nodeId, long nowMs)
    {
        if (!_peers.TryGetValue(nodeId, out Peer? peer)) { return; }
        peer.EqualAt = nowMs;
        Array.Fill(peer.DifferingSince, -1);
    }

    private bool HasSettledDifference(Peer peer, long nowMs)
    {
        foreach (long since in peer.DifferingSince)
        {
            if (since >= 0 && nowMs - since >= settleMs) { return true; }
        }
        return false;
    }

    private sealed class Peer
    {
        public Peer() => Array.Fill(DifferingSince, -1);

        /// <summary>Since when each bucket differs without a break; -1: it does not.</summary>
        public long[] DifferingSince { get; } = new long[MergeLimits.Buckets];

        public long HeardAt { get; set; }

        public long EqualAt { get; set; }

        public long PulledAt { get; set; } = long.MinValue;
    }
}
