using Kv.Actors.Membership;
using Kv.Actors.Nodes;
using Kv.Actors.Presence;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Tests.Membership;

public sealed class PeerClaimsTests
{
    private const string Cluster = "00000000000000c1";

    private readonly PeerClaims _claims = new();

    [Fact]
    public void A_node_is_not_ready_before_it_has_read_what_a_peer_had_applied()
    {
        Hear(offset: 100);

        string before = _claims.WhyNotReady(Cluster);
        Settle(HistoryVerdict.Ahead);
        string still = _claims.WhyNotReady(Cluster);
        Settle(HistoryVerdict.Agrees);

        Assert.Contains("up to offset 100", before);
        Assert.Equal(before, still);
        Assert.Equal("", _claims.WhyNotReady(Cluster));
    }

    [Fact]
    public void The_oldest_claim_is_settled_first_so_that_a_busy_peer_is_no_obstacle()
    {
        Hear(offset: 100);
        Hear(offset: 200);

        Assert.Equal(100, Assert.Single(_claims.Unsettled(Cluster)).Offset);
        Settle(HistoryVerdict.Agrees);
        Assert.Empty(_claims.Unsettled(Cluster));
        Hear(offset: 300);
        Assert.Equal(300, Assert.Single(_claims.Unsettled(Cluster)).Offset);
    }

    [Theory]
    [InlineData(HistoryVerdict.Agrees)]
    [InlineData(HistoryVerdict.TooOld)]
    public void A_halted_peer_whose_history_is_ours_is_in_nobodys_way(HistoryVerdict verdict)
    {
        Hear(offset: 100, state: NodeState.Halted);

        Settle(verdict);

        Assert.Equal("", _claims.WhyNotReady(Cluster));
        Assert.Equal("", _claims.WhyNoWrites(Cluster));
    }

    [Theory]
    [InlineData(HistoryVerdict.OtherHistory, "another history")]
    [InlineData(HistoryVerdict.OtherContents, "other contents")]
    public void A_contradiction_stops_writes_until_the_peer_has_gone(HistoryVerdict verdict, string word)
    {
        Hear(offset: 100);
        Settle(verdict);
        // Later entries may hide the difference; it is there all the same.
        Hear(offset: 200);
        Settle(HistoryVerdict.Agrees);

        Assert.Contains(word, _claims.WhyNoWrites(Cluster));
        Assert.Contains(word, _claims.Divergence(Cluster));
        Assert.Contains(word, _claims.WhyNotReady(Cluster));
        _claims.Forget("n2");
        Assert.Equal("", _claims.WhyNoWrites(Cluster));
    }

    [Fact]
    public void A_later_run_of_the_peer_is_judged_by_what_it_says_itself()
    {
        Hear(offset: 100);
        Settle(HistoryVerdict.OtherContents);

        Hear(offset: 100, incarnation: 8);
        Settle(HistoryVerdict.Agrees);

        Assert.Equal("", _claims.WhyNoWrites(Cluster));
    }

    [Fact]
    public void What_a_peer_found_stops_writes_here_too_as_long_as_it_says_so()
    {
        Hear(offset: 100, divergence: "n3 is wrong");
        Settle(HistoryVerdict.Agrees);
        string told = _claims.WhyNoWrites(Cluster);
        Hear(offset: 101);

        Assert.Contains("n3 is wrong", told);
        Assert.Equal("", _claims.Divergence(Cluster));
        Assert.Equal("", _claims.WhyNoWrites(Cluster));
    }

    [Fact]
    public void A_log_that_goes_on_below_a_claim_heard_before_has_lost_it()
    {
        Hear(offset: 100, heardAtMs: 10);
        Settle(HistoryVerdict.Ahead);

        _claims.SettleTail(Cluster, tailOffset: 90, soughtAtMs: 11);

        Assert.Contains("goes on at offset 90", _claims.LostTail(Cluster));
        Assert.Contains("goes on at offset 90", _claims.WhyNotReady(Cluster));
    }

    [Theory]
    [InlineData(101, 11)]
    [InlineData(90, 10)]
    public void A_tail_beyond_the_claim_or_sought_before_it_proves_nothing(long tailOffset, long soughtAtMs)
    {
        Hear(offset: 100, heardAtMs: 10);
        Settle(HistoryVerdict.Ahead);

        _claims.SettleTail(Cluster, tailOffset, soughtAtMs);

        Assert.Equal("", _claims.LostTail(Cluster));
    }

    [Fact]
    public void Other_clusters_and_nodes_that_have_nothing_claim_nothing()
    {
        Hear(offset: 100, cluster: "00000000000000c2");
        Hear(offset: -1, cluster: "", nodeId: "n3");

        Assert.Empty(_claims.Unsettled(Cluster));
        Assert.Empty(_claims.Unsettled(""));
        Assert.Equal("", _claims.WhyNotReady(Cluster));
    }

    private void Hear(
        long offset,
        string cluster = Cluster,
        NodeState state = NodeState.Ready,
        long incarnation = 7,
        string divergence = "",
        long heardAtMs = 1,
        string nodeId = "n2") => _claims.Hear(
            new Announcement(nodeId, incarnation, $"http://{nodeId}", ReplicationMode.Stream, state)
            {
                ClusterId = cluster,
                AppliedOffset = offset,
                Digest = new Digest(1, (ulong)offset).ToString(),
                Contents = new Digest(2, (ulong)offset).ToString(),
                Divergence = divergence,
            },
            heardAtMs);

    private void Settle(HistoryVerdict verdict) =>
        _claims.Settle(Assert.Single(_claims.Unsettled(Cluster)), verdict);
}
