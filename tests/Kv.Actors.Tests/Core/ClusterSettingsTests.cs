using Kv.Actors.Tests.Snapshots;
using Kv.Core;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Tests.Core;

/// <summary>What entries say of the cluster itself: its size, its snapshots, how much log there is.</summary>
public sealed class ClusterSettingsTests
{
    private readonly KeyValueStore _store = new();
    private long _offset;
    private long _sequence;

    public ClusterSettingsTests()
    {
        Apply(Entries.Encode(
            Entries.ClusterId,
            LogEntry.NoProducer,
            0,
            new Command.Found(Genesis.Empty(Entries.ClusterId, clusterSize: 3))));
        Apply(Entries.Register());
    }

    [Fact]
    public void A_genesis_gives_the_first_size_and_version()
    {
        Assert.Equal((3, 1), (_store.Cluster.Size, _store.Cluster.Version));
    }

    [Fact]
    public void The_size_is_changed_by_an_entry_and_only_within_its_bounds()
    {
        Reply[] replies =
        [
            Do(new Command.ClusterSize(5)),
            Do(new Command.ClusterSize(0)),
            Do(new Command.ClusterSize(KvLimits.ClusterSizeMax + 1)),
        ];

        Assert.Equal(5, _store.Cluster.Size);
        Assert.IsType<Reply.Done>(replies[0]);
        Assert.All(replies[1..], static reply => Assert.Equal(
            StoreError.ClusterSizeOutOfRange, Assert.IsType<Reply.Refused>(reply).Error));
    }

    [Fact]
    public void The_logs_own_commands_take_neither_order_nor_revision()
    {
        Do(new Command.ClusterSize(5));
        Do(new Command.SnapshotTaken("n1", 1, 10));
        Do(new Command.ClusterVersion(1));

        Assert.Equal((0, 1), (_store.Order, _store.Revision));
    }

    [Fact]
    public void An_offset_is_covered_when_a_majority_has_a_snapshot_at_it_or_beyond()
    {
        Fill(10);
        long before = _store.Cluster.CoveredOffset;

        Take("n1", 9);
        long byOne = _store.Cluster.CoveredOffset;
        Take("n2", 5);
        long byTwo = _store.Cluster.CoveredOffset;
        Take("n3", 7);

        Assert.Equal((-1, -1, 5, 7), (before, byOne, byTwo, _store.Cluster.CoveredOffset));
    }

    [Fact]
    public void Two_snapshots_of_one_node_are_not_two_nodes()
    {
        Fill(10);

        Take("n1", 9);
        Take("n1", 8);

        Assert.Equal(-1, _store.Cluster.CoveredOffset);
        Assert.Equal(9, Assert.Single(_store.Cluster.Snapshots).Offset);
    }

    [Fact]
    public void A_larger_cluster_needs_more_snapshots()
    {
        Fill(10);
        Take("n1", 9);
        Take("n2", 5);

        Do(new Command.ClusterSize(5));
        long ofFive = _store.Cluster.CoveredOffset;
        Do(new Command.ClusterSize(1));

        Assert.Equal((-1, 9), (ofFive, _store.Cluster.CoveredOffset));
    }

    [Fact]
    public void Of_a_size_that_nobody_said_one_snapshot_is_enough()
    {
        var store = new KeyValueStore();
        store.Apply(0, Entries.Genesis());
        store.Apply(1, Entries.Register());

        store.Apply(2, Entries.Encode(1, 1, new Command.SnapshotTaken("n1", 1, 10)));

        Assert.Equal((0, 1), (store.Cluster.Size, store.Cluster.CoveredOffset));
    }

    [Fact]
    public void Every_message_counts_with_its_length_and_what_a_broker_adds()
    {
        long before = _store.Cluster.LogBytes;

        Apply("not ours"u8.ToArray());

        Assert.Equal(before + 8 + KvLimits.LogMessageBytesExtra, _store.Cluster.LogBytes);
    }

    [Fact]
    public void What_is_behind_the_covered_offset_is_uncovered()
    {
        long all = _store.Cluster.UncoveredBytes;
        long covered = _store.Cluster.LogBytes;
        long offset = _store.AppliedOffset;

        Do(new Command.ClusterSize(1));
        Do(new Command.SnapshotTaken("n1", offset, covered));

        Assert.Equal(covered, all);
        Assert.Equal(offset, _store.Cluster.CoveredOffset);
        Assert.Equal(_store.Cluster.LogBytes - covered, _store.Cluster.UncoveredBytes);
    }

    [Fact]
    public void A_snapshot_of_what_the_log_does_not_have_yet_is_refused()
    {
        Reply ahead = Do(new Command.SnapshotTaken("n1", _offset, 1));
        Reply tooLong = Do(new Command.SnapshotTaken("n1", 1, _store.Cluster.LogBytes + 1));

        Assert.Equal(StoreError.SnapshotAhead, Assert.IsType<Reply.Refused>(ahead).Error);
        Assert.Equal(StoreError.SnapshotAhead, Assert.IsType<Reply.Refused>(tooLong).Error);
        Assert.Empty(_store.Cluster.Snapshots);
    }

    [Fact]
    public void Over_the_bound_the_oldest_snapshot_is_forgotten()
    {
        Fill(KvLimits.SnapshotMarksMax + 1);

        for (int i = 0; i <= KvLimits.SnapshotMarksMax; i++)
        {
            Take($"n{i}", 1 + i);
        }

        Assert.Equal(KvLimits.SnapshotMarksMax, _store.Cluster.Snapshots.Count);
        Assert.DoesNotContain(_store.Cluster.Snapshots, static mark => mark.NodeId == "n0");
    }

    [Fact]
    public void Commands_of_nobody_who_registered_change_nothing()
    {
        AppliedEntry unknown = Apply(Entries.Encode(77, 1, new Command.ClusterSize(5)));
        AppliedEntry duplicate = Apply(Entries.Encode(1, 0, new Command.ClusterSize(5)));

        Assert.Equal(
            (EntryFate.UnknownProducer, EntryFate.Duplicate, 3),
            (unknown.Fate, duplicate.Fate, _store.Cluster.Size));
    }

    [Fact]
    public void A_restored_store_has_the_same_settings()
    {
        Fill(5);
        Take("n2", 4);
        Take("n1", 3);
        Do(new Command.ClusterSize(2));

        ClusterSettings restored = Stores.Decode(Stores.Encode(_store)).Cluster;

        Assert.Equal(_store.Cluster.Snapshots, restored.Snapshots);
        Assert.Equal(3, restored.CoveredOffset);
        Assert.Equal(
            (_store.Cluster.Size, _store.Cluster.Version, _store.Cluster.UncoveredBytes),
            (restored.Size, restored.Version, restored.UncoveredBytes));
    }

    private void Fill(int entries)
    {
        for (int i = 0; i < entries; i++)
        {
            Do(Entries.Set("k", "v"));
        }
    }

    private void Take(string node, long offset) => Do(new Command.SnapshotTaken(node, offset, offset * 10));

    private Reply Do(Command command) => Apply(Entries.Encode(1, ++_sequence, command)).Replies[0];

    private AppliedEntry Apply(byte[] entry) => _store.Apply(_offset++, entry);
}
