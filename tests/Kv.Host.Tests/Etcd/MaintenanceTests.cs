using Grpc.Core;
using Kv.Core.Snapshots;
using Kv.Files;
using Kv.Host.Tests.Hosting;
using Kv.Protos.Etcd;

namespace Kv.Host.Tests.Etcd;

public sealed class MaintenanceTests(EmbeddedCluster cluster) : EtcdTest(cluster)
{
    [Fact]
    public async Task HashKV_is_equal_on_all_nodes_before_and_behind_a_compaction()
    {
        for (int i = 0; i < 20; i++)
        {
            await PutAsync($"{i % 4}", $"{i}");
        }
        DeleteRangeResponse last = await Kv().DeleteRangeAsync(new DeleteRangeRequest { Key = Key("1") });
        long revision = last.Header.Revision;

        HashKVResponse[] before = await HashesAsync(revision);
        await Kv().CompactAsync(new CompactionRequest { Revision = revision - 5 });
        HashKVResponse[] behind = await HashesAsync(revision);

        Assert.Single(before.Select(static hash => hash.Hash).Distinct());
        Assert.Single(behind.Select(static hash => hash.Hash).Distinct());
        Assert.NotEqual(before[0].Hash, behind[0].Hash);
        Assert.All(behind, hash => Assert.Equal(revision - 5, hash.CompactRevision));
    }

    [Fact]
    public async Task A_snapshot_ends_with_what_etcdctl_checks_and_is_read_by_ours()
    {
        await PutAsync("a", "1");
        using var directory = new TemporaryDirectory();
        string path = Path.Combine(directory.Path, "snapshot");
        await using (FileStream bytes = File.Create(path))
        {
            using AsyncServerStreamingCall<SnapshotResponse> call =
                Maintenance().Snapshot(new SnapshotRequest());
            ulong remaining = ulong.MaxValue;
            await foreach (SnapshotResponse part in call.ResponseStream.ReadAllAsync())
            {
                Assert.True(part.RemainingBytes < remaining);
                remaining = part.RemainingBytes;
                await bytes.WriteAsync(part.Blob.Memory);
            }
            Assert.Equal(0UL, remaining);
        }
        byte[] written = await File.ReadAllBytesAsync(path);

        SnapshotSummary summary = await SnapshotReading.VerifyAsync(path, CancellationToken.None);

        Assert.Equal(32, written.Length % 512);
        Assert.Equal(System.Security.Cryptography.SHA256.HashData(written.AsSpan()[..^32]), written[^32..]);
        Assert.True(summary.Keys > 0);
        written[^1] ^= 1;
        await File.WriteAllBytesAsync(path, written);
        await Assert.ThrowsAsync<SnapshotException>(
            () => SnapshotReading.VerifyAsync(path, CancellationToken.None));
    }

    [Fact]
    public async Task The_status_names_the_version_of_the_api_and_one_leader_for_all()
    {
        StatusResponse[] all = await Task.WhenAll(Enumerable.Range(1, 3).Select(async node =>
            await Maintenance(node).StatusAsync(new StatusRequest())));

        Assert.Single(all.Select(static status => status.Leader).Distinct());
        Assert.All(all, static status => Assert.Equal("3.4.23", status.Version));
    }

    [Fact]
    public async Task What_there_is_not_is_refused_by_name()
    {
        var members = new Protos.Etcd.Cluster.ClusterClient(Cluster.Host.Channel(1));

        Status move = await RefusedAsync(
            async () => await Maintenance().MoveLeaderAsync(new MoveLeaderRequest()));
        Status downgrade = await RefusedAsync(
            async () => await Maintenance().DowngradeAsync(new DowngradeRequest()));
        Status add = await RefusedAsync(async () => await members.MemberAddAsync(new MemberAddRequest()));

        Assert.Equal(
            (StatusCode.FailedPrecondition, "etcdserver: not leader"), (move.StatusCode, move.Detail));
        Assert.Equal(StatusCode.Unimplemented, downgrade.StatusCode);
        Assert.Contains("Maintenance.Downgrade", downgrade.Detail);
        Assert.Equal(StatusCode.Unimplemented, add.StatusCode);
        Assert.Contains("Cluster.MemberAdd", add.Detail);
    }

    [Fact]
    public async Task The_members_are_the_nodes_with_their_addresses()
    {
        var members = new Protos.Etcd.Cluster.ClusterClient(Cluster.Host.Channel(2));

        MemberListResponse list = await members.MemberListAsync(new MemberListRequest());

        Assert.Equal(
            ["node-1", "node-2", "node-3"],
            list.Members.Select(static member => member.Name).Order(StringComparer.Ordinal));
        Assert.Equal(3, list.Members.SelectMany(static member => member.ClientURLs).Distinct().Count());
    }

    private Task<HashKVResponse[]> HashesAsync(long revision) => Task.WhenAll(
        Enumerable.Range(1, 3).Select(async node =>
        {
            // A barrier: this node has applied everything that was answered.
            await Kv(node).RangeAsync(new RangeRequest { Key = Key("none") });
            return await Maintenance(node).HashKVAsync(new HashKVRequest { Revision = revision });
        }));
}
