namespace Kv.Core.Merge;

/// <summary>
/// Finds the floor: the time up to which every known member has everything any known member has. See
/// docs/adr/0010-queue-tombstone-floor.md for why it is safe.
/// </summary>
public sealed class StabilityTracker
{
    private readonly Dictionary<string, Member> _members = [];

    // Candidates and when they were found, oldest first; equal ones only once.
    private readonly Queue<(long Floor, long FoundAtMs)> _candidates = new();
    private long _candidateLast;

    public int MembersKnown => _members.Count;

    /// <summary>Everything this member had, when it announced this, is here.</summary>
    public void Covered(string nodeId, long incarnation, long settled)
    {
        Member member = MemberOf(nodeId, incarnation);
        member.Covered = Math.Max(member.Covered, settled);
    }

    /// <summary>A member announced up to where it has everything that its known members have.</summary>
    public void Announced(string nodeId, long incarnation, long stable)
    {
        Member member = MemberOf(nodeId, incarnation);
        member.Stable = Math.Max(member.Stable, stable);
    }

    /// <summary>
    /// A member left, or was silent for so long that it has to be re-seeded when it returns.
    /// </summary>
    public void Forget(string nodeId) => _members.Remove(nodeId);

    /// <summary>Up to here this node has everything that any known member has; what it announces.</summary>
    public long Stable(long ownSettled)
    {
        long stable = ownSettled;
        foreach (Member member in _members.Values) { stable = Math.Min(stable, member.Covered); }
        return stable;
    }

    /// <summary>
    /// The floor to raise to now: one that was right <paramref name="delayMs"/> ago, which gives a member we
    /// have not heard of yet the time to make itself known. 0: none.
    /// </summary>
    public long Floor(long ownSettled, long nowMs, long delayMs)
    {
        long candidate = Stable(ownSettled);
        foreach (Member member in _members.Values) { candidate = Math.Min(candidate, member.Stable); }
        if (candidate != _candidateLast)
        {
            _candidates.Enqueue((candidate, nowMs));
            _candidateLast = candidate;
        }
        long floor = 0;
        while (_candidates.TryPeek(out (long Floor, long FoundAtMs) oldest)
            && nowMs - oldest.FoundAtMs >= delayMs)
        {
            floor = _candidates.Dequeue().Floor;
        }
        return floor;
    }

    /// <summary>A new run of a node has none of what the old run had.</summary>
    private Member MemberOf(string nodeId, long incarnation)
    {
        if (_members.TryGetValue(nodeId, out Member? member) && member.Incarnation == incarnation)
        {
            return member;
        }
        _members[nodeId] = member = new Member { Incarnation = incarnation };
        // What was found without this member does not hold with it.
        _candidates.Clear();
        _candidateLast = 0;
        return member;
    }

    private sealed class Member
    {
        public required long Incarnation { get; init; }

        /// <summary>Up to here all that the member had is here, too.</summary>
        public long Covered { get; set; }

        public long Stable { get; set; }
    }
}
