using Akka.TestKit.Xunit2;
using Kv.Actors.Journal;
using Kv.Actors.Nodes;
using Kv.Actors.Publishing;
using Kv.Actors.Tests.Snapshots;

namespace Kv.Actors.Tests.Journal;

/// <summary>ACK=persisted, nodes of a cluster of three.</summary>
public sealed class PersistedNodeTests : TestKit
{
    [Fact]
    public async Task An_answered_write_is_in_the_journals_of_a_majority()
    {
        await using var cluster = new JournalCluster(Sys, AckLevel.Persisted, clusterSize: 3);
        LogNode[] nodes = await StartThreeAsync(cluster);

        await JournalCluster.SetAsync(nodes[1], "a", "1");

        int holders = 0;
        foreach (string id in (string[])["n1", "n2", "n3"])
        {
            // A copy: the node writes on.
            string copy = Directory.CreateTempSubdirectory("kv-journal-copy-").FullName;
            foreach (string file in Directory.GetFiles(
                Path.Combine(cluster.DataDirectory(id), "journal"), "*.kvjournal"))
            {
                Directory.CreateDirectory(Path.Combine(copy, "journal"));
                File.Copy(file, Path.Combine(copy, "journal", Path.GetFileName(file)));
            }
            StoreLoad load = await StoreLoader.LoadAsync(copy, CancellationToken.None);
            holders += load.Store is { } store && JournalCluster.Get(store, "a") == "1" ? 1 : 0;
            Directory.Delete(copy, recursive: true);
        }
        Assert.InRange(holders, 2, 3);
    }

    [Fact]
    public async Task With_one_of_three_it_answers_applied_not_persisted_and_later_what_is_persisted()
    {
        await using var cluster = new JournalCluster(Sys, AckLevel.Persisted, clusterSize: 3);
        LogNode[] nodes = await StartThreeAsync(cluster);
        await cluster.StopAsync(nodes[1]);
        await cluster.StopAsync(nodes[2]);

        KvException error = await Assert.ThrowsAsync<KvException>(
            () => JournalCluster.SetAsync(nodes[0], "a", "1", timeoutMs: 300));

        Assert.Equal(KvError.NotPersisted, error.Code);
        Assert.StartsWith(PendingCommand.NotPersistedText, error.Message);
        await cluster.StartAsync("n2");
        await JournalCluster.SetAsync(nodes[0], "b", "2");
    }

    [Fact]
    public async Task Alone_a_node_is_not_ready_and_says_why_until_a_majority_told_its_heads()
    {
        await using var cluster = new JournalCluster(Sys, AckLevel.Persisted, clusterSize: 3);
        LogNode first = await cluster.StartAsync("n1", mayFound: true);

        NodeStatus alone = await JournalCluster.UntilAsync(
            first, static status => status.Reason.Contains("other nodes"));

        Assert.Equal(NodeState.Starting, alone.State);
        KvException error = await Assert.ThrowsAsync<KvException>(
            () => JournalCluster.SetAsync(first, "a", "1"));
        Assert.Equal(KvError.NotReady, error.Code);
        await cluster.StartAsync("n2");
        await JournalCluster.ReadyAsync(first);
        await JournalCluster.SetAsync(first, "a", "1");
    }

    [Fact]
    public async Task Messages_that_get_lost_only_delay_an_answer()
    {
        await using var cluster = new JournalCluster(Sys, AckLevel.Persisted, clusterSize: 3);
        LogNode[] nodes = await StartThreeAsync(cluster);
        var random = new Random(5);
        int lost = 0;
        cluster.Exchange.Reaches = (_, _) =>
        {
            bool reaches = random.Next(2) == 0;
            lost += reaches ? 0 : 1;
            return reaches;
        };

        for (int i = 0; i < 20; i++)
        {
            await JournalCluster.SetAsync(nodes[i % 3], "a", $"{i}");
        }

        Assert.InRange(lost, 20, int.MaxValue);
    }

    [Fact]
    public async Task A_node_whose_disk_is_full_counts_no_more_until_it_has_room_again()
    {
        bool isFull = false;
        await using var cluster = new JournalCluster(Sys, AckLevel.Persisted, clusterSize: 2);
        cluster.Create = path => path.Contains("/n2/", StringComparison.Ordinal)
            ? new FullDisk(File.Create(path), () => Volatile.Read(ref isFull) ? 0 : int.MaxValue)
            : File.Create(path);
        LogNode first = await cluster.StartAsync("n1", mayFound: true);
        LogNode second = await cluster.StartAsync("n2");
        await JournalCluster.ReadyAsync(first);
        await JournalCluster.ReadyAsync(second);
        await JournalCluster.SetAsync(first, "a", "1");

        Volatile.Write(ref isFull, true);
        KvException error = await Assert.ThrowsAsync<KvException>(
            () => JournalCluster.SetAsync(first, "b", "2", timeoutMs: 500));

        Assert.Equal(KvError.NotPersisted, error.Code);
        Assert.Contains(
            (await second.GetStatusAsync(CancellationToken.None)).Alarms,
            static alarm => alarm.Contains("No space left"));
        Volatile.Write(ref isFull, false);
        // The first write after it ends the alarm; with the snapshot behind it, it counts.
        await JournalCluster.SetAsync(first, "c", "3");
        Assert.Empty((await second.GetStatusAsync(CancellationToken.None)).Alarms);
    }

    private static async Task<LogNode[]> StartThreeAsync(JournalCluster cluster)
    {
        LogNode[] nodes =
        [
            await cluster.StartAsync("n1", mayFound: true),
            await cluster.StartAsync("n2"),
            await cluster.StartAsync("n3"),
        ];
        foreach (LogNode node in nodes)
        {
            await JournalCluster.ReadyAsync(node);
        }
        return nodes;
    }
}
