using Kv.Actors.Log;
using Kv.Actors.Membership;
using Kv.Actors.Nodes;
using Kv.Actors.Presence;
using Kv.Actors.Tests.Snapshots;
using Kv.Core.Entries;
using Kv.Core.Snapshots;
using Kv.Core.Store;
using Entries = Kv.Actors.Tests.Core.Entries;

namespace Kv.Actors.Tests.Membership;

public sealed class MembershipTests : MemberNodes
{
    [Fact]
    public async Task Nodes_list_each_other_with_what_they_have_applied()
    {
        LogNode first = await StartReadyAsync("n1");
        LogNode second = await StartReadyAsync("n2");
        await SetAsync(first, "a", "1");

        NodeStatus own = await first.GetStatusAsync(CancellationToken.None);
        NodeStatus status = await StatusAsync(second, status => status.Members is [{ } member]
            && member.AppliedOffset == own.AppliedOffset && member.State == NodeState.Ready);

        MemberStatus listed = Assert.Single(status.Members);
        Assert.Equal(("n1", "http://n1", own.Digest), (listed.NodeId, listed.Url, listed.Digest));
        Assert.Empty(status.Alarms);
    }

    [Fact]
    public async Task A_node_that_applied_the_log_wrongly_stops_everybodys_writes_until_it_is_stopped()
    {
        LogNode first = await StartReadyAsync("n1");
        LogNode second = await StartReadyAsync("n2");
        await SetAsync(first, "a", "\"right\"");
        await GiveSnapshotAsync(first, "n3", WithWrongValue);
        LogNode wrong = await StartAsync("n3");

        foreach (LogNode node in (LogNode[])[first, second])
        {
            await StatusAsync(node, status => status.Alarms.Any(alarm => alarm.Contains("other contents")));
            var refused = await Assert.ThrowsAsync<KvException>(() => SetAsync(node, "b", "1"));
            Reply read = await node.ExecuteAsync(Entries.Get("a"), null, CancellationToken.None);
            Assert.Equal(KvError.Diverged, refused.Code);
            Assert.Equal("\"right\"", Text(Assert.IsType<Reply.Got>(read)));
        }
        // It may be behind at first, and say that.
        await StatusAsync(wrong, static status =>
            status.State == NodeState.Starting && status.Reason.Contains("other contents"));
        await StopAsync(wrong);
        await StatusAsync(first, static status => status.Alarms.Count == 0);

        Assert.IsType<Reply.Done>(await SetAsync(first, "b", "1"));
    }

    [Fact]
    public async Task A_node_whose_log_is_gone_halts_with_its_snapshot_and_gives_it_out()
    {
        LogNode first = await StartReadyAsync("n1");
        await SetAsync(first, "a", "1");
        NodeStatus before = await first.GetStatusAsync(CancellationToken.None);
        await GiveSnapshotAsync(first, "n2", Stores.Encode);
        ulong clusterId = Convert.ToUInt64(before.ClusterId, 16);

        LogNode halted = await StartAsync("n2", new MissingLog("No stream."), clusterId);

        NodeStatus status = await InStateAsync(halted, NodeState.Halted);
        (StoreCapture capture, bool isHalted) = await halted.CaptureAsync(CancellationToken.None);
        var write = await Assert.ThrowsAsync<KvException>(() => SetAsync(halted, "a", "2"));
        var read = await Assert.ThrowsAsync<KvException>(
            () => halted.GetLocalAsync(Entries.Utf8("a"), CancellationToken.None));
        Assert.Contains("No stream.", status.Reason);
        Assert.True(isHalted);
        Assert.Equal(before.AppliedOffset, capture.Header.AppliedOffset);
        Assert.Equal([KvError.Halted, KvError.Halted], [write.Code, read.Code]);
        // It agrees with the others, so it is in nobody's way.
        status = await StatusAsync(first, static status => status.Members is [{ State: NodeState.Halted }]);
        Assert.Contains(status.Alarms, static alarm => alarm.Contains("n2 has halted"));
        Assert.IsType<Reply.Done>(await SetAsync(first, "b", "1"));
    }

    [Fact]
    public async Task A_halted_node_without_anything_still_tells_its_cluster_and_refuses()
    {
        LogNode halted = await StartAsync("n1", new MissingLog("No stream."), clusterId: 0xC1);
        ClusterMembership fresh = await JoinAsync("n2");
        await fresh.Admitted;

        NodeStatus status = await InStateAsync(halted, NodeState.Halted);
        var refused = await Assert.ThrowsAsync<KvException>(() => SetAsync(halted, "a", "2"));
        Assert.Contains("No stream.", status.Reason);
        Assert.Equal(KvError.Halted, refused.Code);
        Assert.Contains("n1 at http://n1", fresh.ClusterNearby);
        Assert.Contains("00000000000000c1", fresh.ClusterNearby);
    }

    [Fact]
    public async Task A_running_node_halts_when_the_log_goes_on_below_what_a_peer_had_applied()
    {
        LogNode node = await StartReadyAsync("n1");
        NodeStatus status = await node.GetStatusAsync(CancellationToken.None);

        Announce(Peer(status.ClusterId, offset: status.AppliedOffset + 1_000));

        Assert.Contains("n9 at http://n9", (await InStateAsync(node, NodeState.Halted)).Reason);
    }

    [Fact]
    public async Task A_starting_node_does_not_serve_while_a_peer_is_ahead_of_all_the_log_has()
    {
        LogNode first = await StartReadyAsync("n1");
        string clusterId = (await first.GetStatusAsync(CancellationToken.None)).ClusterId;
        await StopAsync(first);
        Announcement ahead = Peer(clusterId, offset: 1_000) with { State = NodeState.Halted };
        Task<LogNode> starting = StartAsync("n2");
        await AnnounceUntilAsync(starting, ahead);
        LogNode second = await starting;

        NodeStatus status = await StatusAsync(
            second, static status => status.Reason.Contains("it lost entries"));

        Assert.Equal(NodeState.Starting, status.State);
        var refused = await Assert.ThrowsAsync<KvException>(() => SetAsync(second, "a", "2"));
        Assert.Equal(KvError.NotReady, refused.Code);
        Announce(ahead, PresenceKind.Leave);
        await InStateAsync(second, NodeState.Ready);
    }

    [Fact]
    public async Task A_build_that_reads_none_of_the_others_versions_is_refused_by_name()
    {
        ClusterMembership joining = await JoinAsync("n2");

        await AnnounceUntilAsync(joining.Admitted, Peer("", offset: -1) with { ApplyVersions = [99] });

        var refused = await Assert.ThrowsAsync<NodeRefusedException>(() => joining.Admitted);
        Assert.Contains("n9 at http://n9", refused.Message);
        Assert.Contains("99", refused.Message);
    }

    [Fact]
    public async Task Peers_for_snapshots_are_of_the_cluster_and_the_most_advanced_first()
    {
        ClusterMembership joining = await JoinAsync("n2", clusterId: 0xC1);
        Announcement halted = Peer("00000000000000c1", offset: 9) with { State = NodeState.Halted };
        await AnnounceUntilAsync(
            joining.Admitted,
            Peer("00000000000000c1", offset: 5) with { NodeId = "n3", Url = "http://n3" },
            halted with { NodeId = "n4", Url = "http://n4" },
            Peer("00000000000000c2", offset: 99) with { NodeId = "n5", Url = "http://n5" });

        await AwaitAssertAsync(() => Assert.Equal(
            ["http://n4/", "http://n3/"], joining.Peers.Select(static peer => peer.AbsoluteUri)));
    }

    private static Announcement Peer(string clusterId, long offset) =>
        new("n9", 1, "http://n9", ReplicationMode.Stream, NodeState.Ready)
        {
            ClusterId = clusterId,
            AppliedOffset = offset,
            Digest = new Digest(1, 2).ToString(),
            Formats = [EntryCodec.FormatVersion],
            ApplyVersions = [Genesis.ApplyVersionNow],
        };

    // The same place in the log, the same chain, another value.
    private static byte[] WithWrongValue(StoreCapture capture)
    {
        byte[] right = "\"right\""u8.ToArray();
        var keys = new OrderedIndex<KeyRecord>();
        foreach ((byte[] key, KeyRecord record) in capture.Keys.Live.Scan())
        {
            bool isRight = record.Value.AsSpan().SequenceEqual(right);
            keys.Set(key, isRight ? new KeyRecord(
                key, "\"wrong\""u8.ToArray(), record.CreateRevision, record.ModRevision, record.Version, 0)
                : record);
        }
        var view = new KeyView(
            keys.Snapshot(),
            new OrderedIndex<KeyRecord>().Snapshot(),
            default,
            capture.Header.Revision,
            capture.Header.CompactedRevision,
            pin: capture);
        return Stores.Encode(new StoreCapture(
            capture.Header,
            view,
            capture.Producers,
            capture.Requests,
            capture.Cluster,
            capture.ChainHistory,
            capture.Leases,
            capture.Alarms,
            capture.Auth));
    }

    private static string Text(Reply.Got got) => System.Text.Encoding.UTF8.GetString(got.Value!.Value.Span);
}
