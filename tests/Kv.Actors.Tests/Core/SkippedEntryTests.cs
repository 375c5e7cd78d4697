using Kv.Actors.Tests.Snapshots;
using Kv.Core;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Tests.Core;

/// <summary>An entry that nobody can read, and a store that was told to pass over it.</summary>
public sealed class SkippedEntryTests
{
    private static readonly byte[] Poisoned = Damage(Entries.Encode(1, 1, Entries.Set("a", "1")));

    [Fact]
    public void An_entry_nobody_can_read_halts_and_names_the_way_on()
    {
        KeyValueStore store = Founded();

        AppliedEntry halted = store.Apply(7, Poisoned);

        Assert.Equal(EntryFate.Halt, halted.Fate);
        Assert.Contains("--skip-offset 7", halted.Why);
    }

    [Fact]
    public void A_store_that_skips_it_goes_on_behind_it()
    {
        KeyValueStore store = Founded(7);

        AppliedEntry skipped = store.Apply(7, Poisoned);
        AppliedEntry next = store.Apply(8, Entries.Encode(1, 1, Entries.Set("a", "2")));

        Assert.Equal((EntryFate.Skipped, EntryFate.Applied), (skipped.Fate, next.Fate));
        Assert.Equal(1, store.Cluster.Skips);
        Assert.Equal([7], store.Cluster.SkippedOffsets);
        Assert.Equal(Digest.Of(Poisoned), skipped.Hash);
    }

    [Fact]
    public void Stores_that_skip_alike_agree()
    {
        KeyValueStore one = Founded(7);
        KeyValueStore other = Founded(7, 20);

        one.Apply(7, Poisoned);
        other.Apply(7, Poisoned);

        Assert.Equal(one.Chain, other.Chain);
        Assert.Equal(Stores.Encode(one), Stores.Encode(other));
    }

    [Fact]
    public void What_was_skipped_is_in_the_chain_as_what_it_is()
    {
        KeyValueStore store = Founded(7);
        Digest asStray = store.Chain.Chain(7, Digest.Of(Poisoned));

        store.Apply(7, Poisoned);

        Assert.NotEqual(asStray, store.Chain);
    }

    [Fact]
    public void An_entry_of_a_store_that_did_not_skip_contradicts_one_that_did()
    {
        KeyValueStore store = Founded(7);
        Digest otherChain = store.Chain.Chain(7, Digest.Of(Poisoned));
        store.Apply(7, Poisoned);
        byte[] foreign = EntryCodec.Encode(Entries.Entry(Entries.ClusterId, 1, 1, Entries.Set("a", "1")) with
        {
            BasisOffset = 7,
            BasisChain = otherChain,
        });

        AppliedEntry halted = store.Apply(8, foreign);

        Assert.Equal(EntryFate.Halt, halted.Fate);
        Assert.Contains("another history", halted.Why);
    }

    [Fact]
    public void An_entry_that_can_be_read_is_applied_whatever_the_operator_says()
    {
        KeyValueStore told = Founded(7);
        KeyValueStore other = Founded();
        byte[] entry = Entries.Encode(1, 1, Entries.Set("a", "1"));

        AppliedEntry applied = told.Apply(7, entry);
        other.Apply(7, entry);

        Assert.Equal((EntryFate.Applied, 0), (applied.Fate, told.Cluster.Skips));
        Assert.Equal(other.Chain, told.Chain);
    }

    [Fact]
    public void A_restored_store_remembers_what_was_skipped()
    {
        long[] offsets = [.. Enumerable.Range(10, KvLimits.SkippedOffsetsMax + 6).Select(i => (long)i)];
        KeyValueStore store = Founded(offsets);
        foreach (long offset in offsets)
        {
            store.Apply(offset, Poisoned);
        }

        KeyValueStore restored = Stores.Decode(Stores.Encode(store));

        Assert.Equal(offsets.Length, restored.Cluster.Skips);
        Assert.Equal(offsets[6..], restored.Cluster.SkippedOffsets);
        Assert.Equal(store.Chain, restored.Chain);
    }

    private static KeyValueStore Founded(params long[] skipOffsets)
    {
        var store = new KeyValueStore(
            StoreRules.OfThisBuild with { SkipOffsets = skipOffsets.ToHashSet() });
        store.Apply(0, Entries.Genesis());
        store.Apply(1, Entries.Register());
        return store;
    }

    private static byte[] Damage(byte[] entry)
    {
        entry[^12] ^= 1;
        return entry;
    }
}
