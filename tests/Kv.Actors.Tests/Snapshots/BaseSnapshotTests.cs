using System.Text;
using Kv.Core.Entries;
using Kv.Core.Snapshots;
using Kv.Core.Store;
using Entries = Kv.Actors.Tests.Core.Entries;

namespace Kv.Actors.Tests.Snapshots;

/// <summary>A new cluster's log goes on from what another one had led to.</summary>
public sealed class BaseSnapshotTests
{
    private const ulong NewCluster = 0xB0B;

    [Fact]
    public void A_base_carries_keys_revision_and_order_and_leaves_the_old_log_behind()
    {
        KeyValueStore before = Stores.Small();

        KeyValueStore after = Founded(before);

        Assert.Equal(
            (before.Revision, before.Order, before.Count), (after.Revision, after.Order, after.Count));
        Assert.Equal("3", Text(after.Get("a"u8)));
        Assert.Equal((0, 0L), (after.Producers.Count, after.Strays));
        Assert.Equal((NewCluster, 2L), (after.Genesis!.ClusterId, after.AppliedOffset));
        Assert.Null(after.AwaitedGenesis);
    }

    [Fact]
    public void Revisions_and_versions_of_keys_go_on_where_they_were()
    {
        KeyValueStore before = Stores.Small();
        KeyValueStore after = Founded(before);
        long revision = before.Revision;

        after.Apply(3, InNewCluster(Entries.Register()));
        AppliedEntry applied = after.Apply(4, InNewCluster(Entries.Encode(3, 1, Entries.Set("a", "4"))));

        Assert.Equal(
            (revision + 1, before.Order + 1), (applied.Replies[0].Revision, applied.Replies[0].Order));
        KeyValuePair<byte[], KeyRecord> record = after.Capture().Keys.Live.Scan().First();
        Assert.Equal((2L, revision + 1, 3L),
            (record.Value.CreateRevision, record.Value.ModRevision, record.Value.Version));
    }

    [Fact]
    public void A_call_made_again_behind_the_base_gets_its_first_answer()
    {
        KeyValueStore after = Founded(Stores.Small());
        after.Apply(3, InNewCluster(Entries.Register()));
        LogEntry again = Entries.Entry(NewCluster, 3, 1) with
        {
            Commands = [new(Entries.Set("a", "3"), new RequestId(1, 0))],
        };
        long revision = after.Revision;

        AppliedEntry applied = after.Apply(4, EntryCodec.Encode(again));

        Assert.IsType<Reply.Done>(applied.Replies[0]);
        Assert.True(applied.Replies[0].Revision < revision);
        Assert.Equal(revision, after.Revision);
    }

    [Fact]
    public void The_base_is_the_same_wherever_the_state_came_from()
    {
        KeyValueStore other = Stores.Small();
        other.Apply(19, "a stray"u8.ToArray());
        other.Apply(20, Entries.Register(nonce: 8));

        Assert.Equal(BaseOf(Stores.Small()).Base, BaseOf(other).Base);
    }

    [Fact]
    public void The_base_of_this_version_is_recorded() => Assert.Equal(
        RecordedBase, BaseOf(Stores.Small()).Base.ToString());

    [Fact]
    public void Another_value_revision_or_request_is_another_base()
    {
        KeyValueStore value = Stores.Small();
        value.Apply(20, Entries.Encode(11, 4, Entries.Set("a", "5")));
        KeyValueStore order = Stores.Small();
        order.Apply(20, Entries.Encode(11, 4, Entries.Get("a")));
        KeyValueStore request = Stores.Small();
        request.Apply(20, EntryCodec.Encode(Entries.Entry(Entries.ClusterId, 11, 4) with
        {
            Commands = [new(Entries.Set("", "5"), new RequestId(9, 0))],
        }));

        Digest[] bases =
        [
            .. new[] { Stores.Small(), value, order, request }.Select(static store => BaseOf(store).Base),
        ];

        Assert.Equal(4, bases.Distinct().Count());
    }

    [Fact]
    public void A_base_can_be_the_base_of_yet_another_cluster()
    {
        KeyValueStore held = Held(Stores.Small());

        KeyValueStore again = Stores.Decode(Stores.Encode(BaseSnapshot.Of(held, 0xCAFE, clusterSize: 5)));

        Assert.Equal((0xCAFEul, 5), (again.AwaitedGenesis!.ClusterId, again.AwaitedGenesis.ClusterSize));
        Assert.Equal(held.AwaitedGenesis!.Base, again.AwaitedGenesis.Base);
    }

    [Fact]
    public void A_store_with_a_base_halts_at_the_log_of_another_cluster()
    {
        KeyValueStore held = Held(Stores.Small());

        AppliedEntry applied = held.Apply(0, Entries.Genesis(0xF00));

        Assert.Equal(EntryFate.Halt, applied.Fate);
        Assert.Contains("0000000000000b0b", applied.Why);
        Assert.Contains("0000000000000f00", applied.Why);
        Assert.Equal("3", Text(held.Get("a"u8)));
    }

    [Fact]
    public void A_store_with_a_base_halts_at_a_genesis_of_another_base()
    {
        KeyValueStore held = Held(Stores.Small());
        Genesis other = held.AwaitedGenesis! with { Base = Digest.Of("other"u8) };

        Assert.Equal(EntryFate.Halt, held.Apply(0, GenesisEntry(other)).Fate);
    }

    [Fact]
    public void An_empty_store_does_not_begin_with_a_genesis_that_names_a_base()
    {
        Genesis genesis = BaseOf(Stores.Small());
        var store = new KeyValueStore();

        AppliedEntry applied = store.Apply(0, GenesisEntry(genesis));

        Assert.Equal(EntryFate.Halt, applied.Fate);
        Assert.True(store.Lacks(genesis));
        Assert.Null(store.Genesis);
    }

    [Fact]
    public void Strays_before_the_genesis_do_not_keep_a_store_from_its_base()
    {
        KeyValueStore held = Held(Stores.Small());
        held.Apply(0, "a stray"u8.ToArray());

        AppliedEntry applied = held.Apply(1, GenesisEntry(held.AwaitedGenesis!));

        Assert.Equal(EntryFate.Applied, applied.Fate);
    }

    [Fact]
    public void A_snapshot_taken_behind_a_base_leads_on_as_any_other()
    {
        KeyValueStore after = Founded(Stores.Small());

        KeyValueStore restored = Stores.Decode(Stores.Encode(after));

        Assert.Equal(after.Genesis, restored.Genesis);
        Assert.Equal(Stores.Encode(after), Stores.Encode(restored));
    }

    [Fact]
    public void A_base_that_is_not_the_one_its_genesis_names_is_damaged()
    {
        KeyValueStore store = Stores.Small();
        Genesis genesis = BaseOf(store) with { Base = Digest.Of("other"u8) };

        SnapshotException refused = Stores.Refused(Stores.Encode(store.CaptureBase(genesis)));

        Assert.Equal(SnapshotFault.Damaged, refused.Fault);
        Assert.Contains("base", refused.Message);
    }

    [Fact]
    public void An_empty_store_is_nobodys_base() => Assert.Throws<InvalidOperationException>(
        () => BaseSnapshot.Of(new KeyValueStore(), NewCluster));

    private const string RecordedBase = "1f83ef5c1f5a14291c12b953e5c84887";

    private static KeyValueStore Held(KeyValueStore before) =>
        Stores.Decode(Stores.Encode(BaseSnapshot.Of(before, NewCluster)));

    private static KeyValueStore Founded(KeyValueStore before)
    {
        KeyValueStore held = Held(before);
        Assert.Equal(EntryFate.Applied, held.Apply(2, GenesisEntry(held.AwaitedGenesis!)).Fate);
        return held;
    }

    private static Genesis BaseOf(KeyValueStore store) => BaseSnapshot.Of(store, NewCluster).Header.Genesis;

    private static byte[] GenesisEntry(Genesis genesis) => EntryCodec.Encode(
        Entries.Entry(genesis.ClusterId, LogEntry.NoProducer, 0) with
        {
            Commands = [new(new Command.Found(genesis))],
        });

    private static byte[] InNewCluster(byte[] entry) =>
        EntryCodec.Encode(((EntryReading.Entry)EntryCodec.Read(entry)).Value with { ClusterId = NewCluster });

    private static string Text(ReadOnlyMemory<byte>? value) => Encoding.UTF8.GetString(value!.Value.Span);
}
