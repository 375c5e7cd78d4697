using Akka.TestKit.Xunit2;
using Kv.Actors.Journal;
using Kv.Actors.Nodes;
using Kv.Core.Store;
using Kv.Files;
using Kv.Actors.Tests.Snapshots;

namespace Kv.Actors.Tests.Journal;

public sealed class JournalNodeTests : TestKit
{
    [Fact]
    public async Task What_a_node_applied_is_in_its_data_directory_without_the_log_and_without_a_snapshot()
    {
        await using var cluster = new JournalCluster(Sys, AckLevel.Replicated, clusterSize: 1);
        LogNode node = await cluster.StartAsync("n1", mayFound: true);
        await JournalCluster.ReadyAsync(node);
        await JournalCluster.SetAsync(node, "a", "1");
        await JournalCluster.SetAsync(node, "b", "2");
        NodeStatus last = await node.GetStatusAsync(CancellationToken.None);

        await cluster.StopAsync(node);
        Directory.Delete(Path.Combine(cluster.DataDirectory("n1"), "snapshots"), recursive: true);

        StoreLoad load = await LoadAsync(cluster, "n1");
        AssertHas(load.Store!, last);
        Assert.Equal("1", JournalCluster.Get(load.Store!, "a"));
        Assert.Equal("2", JournalCluster.Get(load.Store!, "b"));
        Assert.Empty(load.Warnings);
    }

    [Fact]
    public async Task A_node_goes_on_from_snapshot_and_journal_and_its_journal_goes_on()
    {
        await using var cluster = new JournalCluster(Sys, AckLevel.Replicated, clusterSize: 1);
        LogNode node = await cluster.StartAsync("n1", mayFound: true);
        await JournalCluster.ReadyAsync(node);
        await JournalCluster.SetAsync(node, "a", "1");
        await cluster.StopAsync(node);
        long snapshot = Assert.Single(SnapshotsOf(cluster, "n1").List()).Offset;
        LogNode again = await cluster.StartAsync("n2");
        await JournalCluster.ReadyAsync(again);
        await JournalCluster.SetAsync(again, "b", "2");
        await cluster.StopAsync(again);
        LogNode first = await cluster.StartAsync("n1");
        await JournalCluster.ReadyAsync(first);
        await JournalCluster.SetAsync(first, "c", "3");
        NodeStatus last = await first.GetStatusAsync(CancellationToken.None);
        await cluster.StopAsync(first);
        foreach (SnapshotFile file in SnapshotsOf(cluster, "n1").List())
        {
            if (file.Offset != snapshot)
            {
                File.Delete(file.Path);
            }
        }

        StoreLoad load = await LoadAsync(cluster, "n1");

        Assert.Equal(snapshot, load.File!.Offset);
        Assert.True(load.Journal.Records > 0);
        AssertHas(load.Store!, last);
        Assert.Equal("3", JournalCluster.Get(load.Store!, "c"));
    }

    [Fact]
    public async Task A_full_disk_is_an_alarm_the_node_goes_on_and_a_new_journal_with_a_snapshot_ends_it()
    {
        bool isFull = true;
        await using var cluster = new JournalCluster(Sys, AckLevel.Replicated, clusterSize: 1);
        cluster.Create = path => Volatile.Read(ref isFull)
            ? new FullDisk(File.Create(path), bytesMax: 100)
            : File.Create(path);
        LogNode node = await cluster.StartAsync("n1", mayFound: true);
        await JournalCluster.ReadyAsync(node);
        await JournalCluster.SetAsync(node, "a", "1");
        await JournalCluster.UntilAsync(
            node, static status => status.Alarms.Any(static alarm => alarm.Contains("No space left")));

        Volatile.Write(ref isFull, false);
        for (int i = 0; (await node.GetStatusAsync(CancellationToken.None)).Alarms.Count > 0; i++)
        {
            // Each write is a chance to begin anew.
            await JournalCluster.SetAsync(node, "b", $"{i}");
        }

        await JournalCluster.UntilAsync(node, _ => SnapshotsOf(cluster, "n1").List().Count > 0);
        await JournalCluster.SetAsync(node, "c", "3");
        await cluster.StopAsync(node);
        File.Delete(SnapshotsOf(cluster, "n1").List()[0].Path);
        StoreLoad load = await LoadAsync(cluster, "n1");
        Assert.Equal("1", JournalCluster.Get(load.Store!, "a"));
        Assert.Equal("3", JournalCluster.Get(load.Store!, "c"));
    }

    [Fact]
    public async Task A_damaged_journal_is_read_up_to_the_damage_and_the_log_has_the_rest()
    {
        await using var cluster = new JournalCluster(Sys, AckLevel.Replicated, clusterSize: 1);
        LogNode node = await cluster.StartAsync("n1", mayFound: true);
        await JournalCluster.ReadyAsync(node);
        await JournalCluster.SetAsync(node, "a", "1");
        await JournalCluster.SetAsync(node, "b", "2");
        await cluster.StopAsync(node);
        Directory.Delete(Path.Combine(cluster.DataDirectory("n1"), "snapshots"), recursive: true);
        string segment = Assert.Single(Directory.GetFiles(
            Path.Combine(cluster.DataDirectory("n1"), "journal"), "*.kvjournal"));
        byte[] bytes = await File.ReadAllBytesAsync(segment);
        bytes[^80] ^= 1;
        await File.WriteAllBytesAsync(segment, bytes);

        LogNode again = await cluster.StartAsync("n1");
        await JournalCluster.ReadyAsync(again);

        NodeStatus status = await again.GetStatusAsync(CancellationToken.None);
        Assert.Contains("damaged", Assert.Single(status.Alarms));
        Assert.Equal(2, status.Keys);
        Assert.True(File.Exists(segment + ".unusable"));
    }

    // The log may have gone on since the status was asked for.
    private static void AssertHas(KeyValueStore store, NodeStatus status) => Assert.Contains(
        (status.AppliedOffset, status.Digest),
        store.RecentHistory().Select(static past => (past.Offset, past.Chain.ToString())));

    private static SnapshotFiles SnapshotsOf(JournalCluster cluster, string nodeId) =>
        new(Path.Combine(cluster.DataDirectory(nodeId), StoreLoader.SnapshotDirectory));

    private static Task<StoreLoad> LoadAsync(JournalCluster cluster, string nodeId) =>
        StoreLoader.LoadAsync(cluster.DataDirectory(nodeId), CancellationToken.None);
}
