using Kv.Core;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Journal;

/// <summary>
/// Decides what is persisted: an offset is, when the journals of a majority of the cluster are on disk up to
/// there or beyond, and agree with this node's history where they end. Says, too, whether this node may write
/// at all: not while a member holds what the log has not. Knows no actor, file or broker.
/// </summary>
/// <param name="nodeId">This node.</param>
/// <param name="clusterSize">Configured members, 1 or more.</param>
internal sealed class PersistedGate(string nodeId, int clusterSize)
{
    /// <summary>Most members that are listened to: more than any cluster is configured to have.</summary>
    internal const int MembersMax = 128;

    private readonly Dictionary<string, Member> _members = [];
    private ChainHistory _history = new(KvLimits.ChainDigestsMax);
    private JournalPoint _applied = JournalPoint.Start;
    private ulong _question;
    private bool _admitted;

    /// <summary>Configured members, 1 or more.</summary>
    internal int ClusterSize { get; set; } = clusterSize;

    /// <summary>Members a majority has.</summary>
    internal int Needed => (ClusterSize / 2) + 1;

    /// <summary>All up to here is persisted; -1: nothing is known to be.</summary>
    internal long PersistedOffset { get; private set; } = -1;

    /// <summary>The last question asked; 0: none was.</summary>
    internal ulong Question => _question;

    /// <summary>Members' word is missing: without it this node, or an answer, does not get on.</summary>
    internal bool NeedsWord => !_admitted || PersistedOffset < OwnOffset;

    /// <summary>Why this node must not write; empty: it may.</summary>
    internal string Refusal { get; private set; } = "Not started yet.";

    private long OwnOffset => _members.TryGetValue(nodeId, out Member? own) ? own.Offset : -1;

    /// <summary>What this node goes on from.</summary>
    /// <param name="recent">The history that leads there, oldest first, as far as it is known.</param>
    internal void Begin(JournalPoint at, IEnumerable<JournalPoint> recent)
    {
        _history = new ChainHistory(KvLimits.ChainDigestsMax);
        _applied = at;
        foreach (JournalPoint point in recent)
        {
            _history.Add(point.Offset, point.Chain, Digest.Zero);
        }
        Resolve();
    }

    /// <summary>This node applied these, in order.</summary>
    internal void Applied(IReadOnlyList<JournalRecord> records)
    {
        foreach (JournalRecord record in records)
        {
            _history.Add(record.Offset, record.Chain, Digest.Zero);
        }
        _applied = records.Count == 0 ? _applied : records[^1].Point;
        Resolve();
    }

    /// <summary>
    /// This node has (re)connected to the log: heads that answer this question count, and until enough are
    /// there it must not write.
    /// </summary>
    /// <param name="question">Not 0, and never used before.</param>
    internal void Ask(ulong question)
    {
        _question = question;
        _admitted = false;
        foreach (Member member in _members.Values)
        {
            member.HasAnswered = false;
            member.Answer = null;
        }
        Judge();
    }

    /// <summary>A member's journal, or this node's own, is on disk up to there.</summary>
    /// <param name="answers">The question it answers; 0: none.</param>
    internal void Heard(string member, JournalPoint head, ulong answers)
    {
        if (!_members.TryGetValue(member, out Member? known))
        {
            if (_members.Count >= MembersMax)
            {
                return;
            }
            _members[member] = known = new Member();
        }
        if (answers != 0 && answers == _question)
        {
            known.HasAnswered = true;
            known.Answer = head;
        }
        // The oldest that waits is kept, or a member that is always ahead would never be found to agree.
        known.Oldest ??= head;
        known.Newest = head;
        Resolve();
    }

    private void Resolve()
    {
        foreach ((string id, Member member) in _members)
        {
            if (member.Answer is { } answer && IsSettled(answer))
            {
                Settle(id, member, answer);
                member.Answer = null;
            }
            if (member.Oldest is { } oldest && IsSettled(oldest))
            {
                Settle(id, member, oldest);
                member.Oldest = null;
            }
            if (member.Newest is { } newest && IsSettled(newest))
            {
                Settle(id, member, newest);
                (member.Oldest, member.Newest) = (null, null);
            }
            member.Oldest ??= member.Newest;
        }
        Judge();
    }

    private bool IsSettled(JournalPoint head) => head.Offset <= _applied.Offset;

    private void Settle(string id, Member member, JournalPoint head)
    {
        HistoryVerdict verdict = head.Offset < 0
            ? HistoryVerdict.Agrees
            : _history.Compare(head.Offset, head.Chain, Digest.Zero);
        if (verdict is HistoryVerdict.OtherHistory)
        {
            member.Contradiction = $"The journal of node {id} has another history up to offset {head.Offset} "
                + "than the log: the log was rewritten, or one of the two is damaged. An operator has to "
                + "decide.";
            return;
        }
        if (verdict is HistoryVerdict.Agrees)
        {
            member.Contradiction = "";
        }
        if (member.Contradiction.Length == 0)
        {
            member.Offset = Math.Max(member.Offset, head.Offset);
        }
    }

    private void Judge()
    {
        List<long> offsets = [.. _members.Values
            .Select(static member => member.Offset)
            .OrderDescending()
            .Take(Needed)];
        if (offsets.Count == Needed)
        {
            PersistedOffset = Math.Max(PersistedOffset, offsets[^1]);
        }
        string contradiction = _members.Values
            .Select(static member => member.Contradiction)
            .FirstOrDefault(static text => text.Length > 0, "");
        string missing = _admitted ? "" : Missing();
        _admitted |= missing.Length == 0;
        Refusal = contradiction.Length > 0 ? contradiction : missing;
    }

    private string Missing()
    {
        foreach ((string id, Member member) in _members)
        {
            if (member.Answer is { } answer)
            {
                return $"Node {id} holds entries up to offset {answer.Offset}; this node has read the log up "
                    + $"to offset {_applied.Offset}. It writes nothing before the log has them.";
            }
        }
        int answered = _members.Count(member => member.Key != nodeId && member.Value.HasAnswered);
        return _question != 0 && answered >= Needed - 1
            ? ""
            : $"ACK=persisted: {answered} of {Needed - 1} other nodes have told how far their journals are. "
                + "This node writes nothing before it knows that the log has all they hold.";
    }

    private sealed class Member
    {
        /// <summary>Its journal is on disk and agrees up to here; -1: not known.</summary>
        internal long Offset { get; set; } = -1;

        /// <summary>Heads beyond what this node has applied.</summary>
        internal JournalPoint? Oldest { get; set; }

        internal JournalPoint? Newest { get; set; }

        /// <summary>It answered the last question.</summary>
        internal bool HasAnswered { get; set; }

        /// <summary>With this, which this node has not applied yet.</summary>
        internal JournalPoint? Answer { get; set; }

        /// <summary>In what it contradicts the log; empty: in nothing.</summary>
        internal string Contradiction { get; set; } = "";
    }
}
