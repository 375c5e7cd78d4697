using Kv.Actors.Tests.Snapshots;
using Kv.Core.Entries;
using Kv.Core.Snapshots;
using Kv.Core.Store;

namespace Kv.Actors.Tests.Core;

/// <summary>A cluster goes on to a newer version when an entry says so; who cannot says it by name.</summary>
public sealed class ClusterVersionTests
{
    private static readonly StoreRules Newer = new(1, 2);

    [Fact]
    public void A_build_that_has_the_version_goes_on_with_it()
    {
        KeyValueStore store = Founded(Newer);

        AppliedEntry applied = store.Apply(2, Version(sequence: 1, 2));
        AppliedEntry later = store.Apply(3, Entries.Encode(1, 2, Entries.Set("a", "1")));

        Assert.Equal((EntryFate.Applied, EntryFate.Applied), (applied.Fate, later.Fate));
        Assert.Equal(2, store.Cluster.Version);
    }

    [Fact]
    public void A_build_that_has_not_halts_and_says_what_it_runs()
    {
        KeyValueStore store = Founded(StoreRules.OfThisBuild);
        long applied = store.AppliedOffset;

        AppliedEntry halted = store.Apply(2, Version(sequence: 1, 2));

        Assert.Equal((EntryFate.Halt, applied), (halted.Fate, store.AppliedOffset));
        Assert.Contains("goes on with version 2; this build runs version 1.", halted.Why);
        Assert.Equal(1, store.Cluster.Version);
    }

    [Fact]
    public void Nothing_of_an_entry_that_needs_a_newer_build_is_applied()
    {
        KeyValueStore store = Founded(StoreRules.OfThisBuild);

        store.Apply(2, Entries.Encode(1, 1, Entries.Set("a", "1"), new Command.ClusterVersion(2)));

        Assert.Equal((0, 1), (store.Count, store.Revision));
        Assert.Equal(0, store.Producers.Find(1)!.LastSequence);
    }

    [Fact]
    public void An_entry_that_is_ignored_needs_no_build()
    {
        KeyValueStore store = Founded(StoreRules.OfThisBuild);

        AppliedEntry unknown = store.Apply(2, Entries.Encode(77, 1, new Command.ClusterVersion(2)));
        AppliedEntry gap = store.Apply(3, Version(sequence: 5, 2));

        Assert.Equal((EntryFate.UnknownProducer, EntryFate.Gap), (unknown.Fate, gap.Fate));
    }

    [Fact]
    public void A_version_never_goes_back()
    {
        KeyValueStore store = Founded(Newer);
        store.Apply(2, Version(sequence: 1, 2));

        AppliedEntry again = store.Apply(3, Version(sequence: 2, 2));
        AppliedEntry back = store.Apply(4, Version(sequence: 3, 1));

        Assert.IsType<Reply.Done>(again.Replies[0]);
        Assert.Equal(
            StoreError.ClusterVersionLower, Assert.IsType<Reply.Refused>(back.Replies[0]).Error);
        Assert.Equal(2, store.Cluster.Version);
    }

    [Fact]
    public void A_snapshot_of_a_newer_cluster_is_refused_by_name()
    {
        KeyValueStore store = Founded(Newer);
        store.Apply(2, Version(sequence: 1, 2));
        byte[] snapshot = Stores.Encode(store);

        SnapshotException refused = Stores.Refused(snapshot);
        KeyValueStore restored = Stores.Decode(snapshot, Newer);

        Assert.Equal(SnapshotFault.OtherVersion, refused.Fault);
        Assert.Contains("Its cluster has version 2; this build runs version 1.", refused.Message);
        Assert.Equal(2, restored.Cluster.Version);
    }

    [Fact]
    public void A_snapshot_of_a_version_that_was_given_up_is_refused_by_name()
    {
        byte[] snapshot = Stores.Encode(Founded(Newer));

        var refused = Assert.Throws<SnapshotException>(
            () => Stores.Decode(snapshot, new StoreRules(2, 3)));

        Assert.Contains("Its cluster has version 1; this build runs versions 2 to 3.", refused.Message);
    }

    [Fact]
    public void A_cluster_founded_by_a_newer_build_halts_this_one()
    {
        var store = new KeyValueStore();
        Genesis genesis = Genesis.Empty(Entries.ClusterId) with { ApplyVersion = 2 };

        AppliedEntry halted = store.Apply(
            0, Entries.Encode(Entries.ClusterId, LogEntry.NoProducer, 0, new Command.Found(genesis)));

        Assert.Equal(EntryFate.Halt, halted.Fate);
        Assert.Contains("founded with version 2; this build runs version 1.", halted.Why);
    }

    private static byte[] Version(long sequence, int version) =>
        Entries.Encode(1, sequence, new Command.ClusterVersion(version));

    private static KeyValueStore Founded(StoreRules rules)
    {
        var store = new KeyValueStore(rules);
        store.Apply(0, Entries.Genesis());
        store.Apply(1, Entries.Register());
        return store;
    }
}
