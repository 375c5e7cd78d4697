using Kv.Actors.Journal;
using Kv.Core.Entries;

namespace Kv.Actors.Tests.Journal;

public sealed class PersistedGateTests
{
    private const ulong Question = 7;

    private readonly JournalRecord[] _records = JournalDirectory.RecordsBehind(JournalPoint.Start, 20);
    private readonly PersistedGate _gate = new("n1", clusterSize: 3);

    public PersistedGateTests()
    {
        _gate.Begin(JournalPoint.Start, []);
        _gate.Ask(Question);
    }

    [Fact]
    public void An_offset_is_persisted_when_a_majority_has_it_this_node_or_not()
    {
        _gate.Applied(_records[..10]);

        Hear("n1", 9);
        Assert.Equal(-1, _gate.PersistedOffset);
        Hear("n2", 4);
        Assert.Equal(_records[4].Offset, _gate.PersistedOffset);
        Hear("n3", 7);
        Assert.Equal(_records[7].Offset, _gate.PersistedOffset);
    }

    [Fact]
    public void One_node_that_tells_twice_is_one_node()
    {
        _gate.Applied(_records[..10]);

        Hear("n2", 8);
        Hear("n2", 9);

        Assert.Equal(-1, _gate.PersistedOffset);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(4, 3)]
    [InlineData(5, 3)]
    public void A_majority_is_more_than_half_of_the_configured_members(int clusterSize, int needed)
    {
        var gate = new PersistedGate("n1", clusterSize);
        gate.Begin(JournalPoint.Start, []);
        gate.Ask(Question);
        gate.Applied(_records);

        for (int i = 1; i < needed; i++)
        {
            gate.Heard($"n{i}", _records[5].Point, answers: 0);
            Assert.Equal(-1, gate.PersistedOffset);
        }
        gate.Heard($"n{needed}", _records[5].Point, answers: 0);

        Assert.Equal(_records[5].Offset, gate.PersistedOffset);
    }

    [Fact]
    public void A_head_beyond_what_was_applied_counts_once_that_agrees()
    {
        _gate.Applied(_records[..3]);
        Hear("n1", 2);
        Hear("n2", 5);
        Hear("n2", 8);
        Assert.Equal(-1, _gate.PersistedOffset);

        // Behind a member that is always ahead, too.
        _gate.Applied(_records[3..7]);
        Hear("n1", 6);
        Assert.Equal(_records[5].Offset, _gate.PersistedOffset);

        _gate.Applied(_records[7..10]);
        Hear("n1", 9);
        Assert.Equal(_records[8].Offset, _gate.PersistedOffset);
    }

    [Fact]
    public void A_head_of_another_history_never_counts_and_stops_writes_until_it_is_taken_back()
    {
        Admit();
        _gate.Applied(_records[..10]);
        Hear("n1", 9);

        _gate.Heard("n2", _records[5].Point with { Chain = new Digest(1, 2) }, answers: 0);

        Assert.Equal(-1, _gate.PersistedOffset);
        Assert.Contains("node n2 has another history", _gate.Refusal);
        Hear("n2", 7);
        Assert.Equal("", _gate.Refusal);
        Assert.Equal(_records[7].Offset, _gate.PersistedOffset);
    }

    [Fact]
    public void A_head_at_an_offset_where_nothing_stands_here_is_another_history()
    {
        Admit();
        _gate.Applied(_records[..10]);
        long gap = Enumerable.Range(0, (int)_records[9].Offset)
            .First(offset => _records.All(record => record.Offset != offset));

        _gate.Heard("n2", new JournalPoint(gap, _records[0].Chain), answers: 0);

        Assert.Contains("another history", _gate.Refusal);
    }

    [Fact]
    public void After_a_connect_it_refuses_until_enough_others_have_answered()
    {
        _gate.Applied(_records[..10]);
        Hear("n1", 9);
        Hear("n2", 9);
        Assert.Contains("0 of 1 other nodes", _gate.Refusal);
        Assert.True(_gate.NeedsWord);

        _gate.Heard("n2", _records[9].Point, Question);

        Assert.Equal("", _gate.Refusal);
        Assert.False(_gate.NeedsWord);
        _gate.Ask(Question + 1);
        Assert.NotEqual("", _gate.Refusal);
        _gate.Heard("n2", _records[9].Point, Question);
        Assert.NotEqual("", _gate.Refusal);
    }

    [Fact]
    public void It_refuses_while_an_answer_holds_what_the_log_has_not()
    {
        _gate.Applied(_records[..5]);

        _gate.Heard("n3", _records[9].Point, Question);
        _gate.Heard("n2", _records[4].Point, Question);

        Assert.Contains($"Node n3 holds entries up to offset {_records[9].Offset}", _gate.Refusal);
        _gate.Applied(_records[5..10]);
        Assert.Equal("", _gate.Refusal);
    }

    [Fact]
    public void A_log_that_was_rewritten_below_a_members_head_stays_refused()
    {
        _gate.Applied(_records[..5]);
        _gate.Heard("n2", _records[9].Point, Question);

        JournalPoint at = _records[4].Point;
        List<JournalRecord> others = [];
        while (at.Offset <= _records[9].Offset)
        {
            at = at.Next(at.Offset + 1, "another"u8);
            others.Add(new JournalRecord(at.Offset, "another"u8.ToArray(), at.Chain));
        }
        _gate.Applied(others);

        Assert.Contains("node n2 has another history", _gate.Refusal);
    }

    [Fact]
    public void A_member_that_holds_nothing_agrees()
    {
        _gate.Applied(_records[..5]);

        _gate.Heard("n2", JournalPoint.Start, Question);

        Assert.Equal("", _gate.Refusal);
    }

    [Fact]
    public void A_cluster_of_one_needs_nobody()
    {
        var gate = new PersistedGate("n1", clusterSize: 1);
        gate.Begin(JournalPoint.Start, []);
        gate.Ask(Question);
        gate.Applied(_records[..5]);

        gate.Heard("n1", _records[4].Point, answers: 0);

        Assert.Equal("", gate.Refusal);
        Assert.Equal(_records[4].Offset, gate.PersistedOffset);
    }

    [Fact]
    public void It_goes_on_from_the_history_of_a_snapshot()
    {
        var gate = new PersistedGate("n1", clusterSize: 2);
        gate.Begin(_records[9].Point, _records[..10].Select(static record => record.Point));
        gate.Ask(Question);

        gate.Heard("n2", _records[5].Point with { Chain = new Digest(1, 2) }, Question);

        Assert.Contains("another history", gate.Refusal);
    }

    private void Admit() => _gate.Heard("n3", JournalPoint.Start, Question);

    private void Hear(string node, int index) => _gate.Heard(node, _records[index].Point, answers: 0);
}
