using System.Text;
using Kv.Actors.Tests.Snapshots;
using Kv.Core;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Tests.Core;

public sealed class LeaseTests
{
    private KeyValueStore _store = new();
    private long _sequence;

    public LeaseTests()
    {
        _store.Apply(0, Entries.Genesis());
        _store.Apply(1, Entries.Register());
    }

    [Fact]
    public void A_grant_makes_a_lease_with_its_whole_time_left_and_takes_no_revision()
    {
        Reply reply = Apply(new Command.LeaseGrant(7, 60));

        Assert.Equal(new Reply.Leased(7, 60) { Revision = 1, Order = 0 }, reply);
        Assert.Equal((60, 60_000), (Lease(7).TtlSeconds, Lease(7).RemainingMs));
    }

    [Fact]
    public void An_id_that_is_taken_is_refused_and_the_lease_stays_as_it_is()
    {
        Apply(new Command.LeaseGrant(7, 60));

        Assert.Equal(StoreError.LeaseExists, Refusal(new Command.LeaseGrant(7, 30)));
        Assert.Equal(60, Lease(7).TtlSeconds);
    }

    [Theory]
    [InlineData(-5, KvLimits.LeaseTtlSecondsMin)]
    [InlineData(1, KvLimits.LeaseTtlSecondsMin)]
    [InlineData(3, 3)]
    [InlineData(KvLimits.LeaseTtlSecondsMax, KvLimits.LeaseTtlSecondsMax)]
    public void A_short_time_to_live_is_raised_to_the_least(long asked, long granted) =>
        Assert.Equal(
            granted, Assert.IsType<Reply.Leased>(Apply(new Command.LeaseGrant(7, asked))).TtlSeconds);

    [Fact]
    public void Too_long_a_time_to_live_and_the_id_0_are_refused()
    {
        Assert.Equal(
            StoreError.LeaseTtlTooLarge, Refusal(new Command.LeaseGrant(7, KvLimits.LeaseTtlSecondsMax + 1)));
        Assert.Equal(StoreError.LeaseNotFound, Refusal(new Command.LeaseGrant(0, 60)));
        Assert.Equal(0, _store.Leases.Count);
    }

    [Fact]
    public void Nothing_can_be_done_with_a_lease_that_is_not_there()
    {
        Assert.Equal(StoreError.LeaseNotFound, Refusal(Put("a", "1", lease: 7)));
        Assert.Equal(StoreError.LeaseNotFound, Refusal(new Command.LeaseRevoke(7)));
        Assert.Equal(StoreError.LeaseNotFound, Refusal(new Command.LeaseRenew(7)));
        Assert.Equal((1, 0), (_store.Revision, _store.Count));
    }

    [Fact]
    public void Keys_hang_on_the_lease_of_their_last_put()
    {
        Apply(new Command.LeaseGrant(7, 60), new Command.LeaseGrant(8, 60));

        Apply(Put("b", "1", lease: 7), Put("a", "1", lease: 7), Put("b", "2", lease: 8));

        Assert.Equal(["a"], KeysOf(7));
        Assert.Equal(["b"], KeysOf(8));
    }

    [Fact]
    public void A_key_leaves_its_lease_when_it_is_put_without_one_set_or_deleted()
    {
        Apply(new Command.LeaseGrant(7, 60));
        Apply([.. new[] { "a", "b", "c", "d" }.Select(static key => Put(key, "1", lease: 7))]);

        Apply(Put("a", "2"), Entries.Set("b", "2"), new Command.DeleteRange(Entries.Utf8("c"), default));

        Assert.Equal(["d"], KeysOf(7));
        Apply(new Command.LeaseRevoke(7));
        Assert.Equal(2, _store.Count);
    }

    [Fact]
    public void A_put_that_keeps_the_lease_leaves_the_key_on_it()
    {
        Apply(new Command.LeaseGrant(7, 60), Put("a", "1", lease: 7));

        Apply(new Command.Put(
            Entries.Utf8("a"), Entries.Utf8("2"), LeaseId: 0, Options: PutOptions.IgnoreLease));

        Assert.Equal(["a"], KeysOf(7));
    }

    [Fact]
    public void A_key_deleted_and_put_again_hangs_on_its_new_lease_only()
    {
        Apply(new Command.LeaseGrant(7, 60), new Command.LeaseGrant(8, 60), Put("a", "1", lease: 7));

        Apply(Entries.Del("a"), Put("a", "2", lease: 8), new Command.LeaseRevoke(7));

        Assert.Equal("2", Encoding.UTF8.GetString(_store.Get("a"u8)!.Value.Span));
        Assert.Equal(["a"], KeysOf(8));
    }

    [Fact]
    public void Revoking_deletes_the_keys_in_their_order_at_one_revision()
    {
        Apply(new Command.LeaseGrant(7, 60));
        Apply(Put("c", "1", lease: 7), Put("a", "1", lease: 7), Put("b", "1", lease: 7), Put("other", "1"));

        Reply reply = Apply(new Command.LeaseRevoke(7));

        Assert.Equal((6, 0), (reply.Revision, _store.Leases.Count));
        Assert.Equal(6, _store.Revision);
        RevisionLogView history = _store.Keys().History;
        Assert.Equal(
            ["a", "b", "c"],
            Enumerable.Range(history.FirstAtOrBehind(6), 3).Select(
                at => Encoding.UTF8.GetString(history[at].Key)));
    }

    [Fact]
    public void Revoking_a_lease_without_keys_takes_no_revision()
    {
        Apply(new Command.LeaseGrant(7, 60));

        Assert.Equal(1, Apply(new Command.LeaseRevoke(7)).Revision);
        Assert.Null(_store.Leases.Find(7));
    }

    [Fact]
    public void Each_lease_that_expires_takes_a_revision_of_its_own()
    {
        Apply(new Command.LeaseGrant(7, 60), new Command.LeaseGrant(8, 60), new Command.LeaseGrant(9, 60));
        Apply(Put("a", "1", lease: 8), Put("b", "1", lease: 7));

        Apply(new Command.LeaseExpire([Expiry(7), Expiry(8), Expiry(9), new LeaseExpiry(99, 1)]));

        Assert.Equal((5, 0, 0), (_store.Revision, _store.Count, _store.Leases.Count));
    }

    [Fact]
    public void A_lease_that_was_renewed_since_does_not_expire()
    {
        Apply(new Command.LeaseGrant(7, 60));
        LeaseExpiry seen = Expiry(7);
        Apply(new Command.LeaseRenew(7));

        Apply(new Command.LeaseExpire([seen]));

        Assert.NotNull(_store.Leases.Find(7));
    }

    [Fact]
    public void A_new_lease_of_the_same_id_does_not_expire_for_the_old_one()
    {
        Apply(new Command.LeaseGrant(7, 60));
        LeaseExpiry seen = Expiry(7);
        Apply(new Command.LeaseRevoke(7), new Command.LeaseGrant(7, 60));

        Apply(new Command.LeaseExpire([seen]));

        Assert.NotNull(_store.Leases.Find(7));
    }

    [Fact]
    public void A_checkpoint_says_what_is_left_until_the_next_renewal()
    {
        Apply(new Command.LeaseGrant(7, 60));

        Apply(new Command.LeaseCheckpoint([Remainder(7, 4_000)]));
        long afterCheckpoint = Lease(7).RemainingMs;
        Apply(new Command.LeaseRenew(7));

        Assert.Equal((4_000, 60_000), (afterCheckpoint, Lease(7).RemainingMs));
    }

    [Fact]
    public void A_checkpoint_of_a_lease_that_was_renewed_since_is_ignored()
    {
        Apply(new Command.LeaseGrant(7, 60));
        LeaseRemainder seen = Remainder(7, 4_000);
        Apply(new Command.LeaseRenew(7));

        Apply(new Command.LeaseCheckpoint([seen, new LeaseRemainder(99, 1, 1)]));

        Assert.Equal(60_000, Lease(7).RemainingMs);
    }

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(0, 1)]
    [InlineData(70_000, 60_000)]
    public void A_checkpoint_never_leaves_nothing_nor_more_than_was_granted(long said, long left)
    {
        Apply(new Command.LeaseGrant(7, 60));

        Apply(new Command.LeaseCheckpoint([Remainder(7, said)]));

        Assert.Equal(left, Lease(7).RemainingMs);
    }

    [Fact]
    public void A_restored_store_has_the_leases_with_their_keys_marks_and_checkpoints()
    {
        Apply(new Command.LeaseGrant(7, 60), new Command.LeaseGrant(-8, 90));
        Apply(Put("b", "1", lease: 7), Put("a", "1", lease: 7), new Command.LeaseRenew(7));
        Apply(new Command.LeaseCheckpoint([Remainder(7, 4_000)]));
        Digest contents = _store.Contents;
        LeaseExpiry seen = Expiry(7);

        _store = Stores.Decode(Stores.Encode(_store));

        Assert.Equal(contents, _store.Contents);
        Assert.Equal((60, 4_000), (Lease(7).TtlSeconds, Lease(7).RemainingMs));
        Assert.Equal((90, 90_000), (Lease(-8).TtlSeconds, Lease(-8).RemainingMs));
        Assert.Equal(["a", "b"], KeysOf(7));
        Apply(new Command.LeaseExpire([seen]));
        Assert.Equal(0, _store.Count);
    }

    [Fact]
    public void Leases_are_part_of_the_contents_digest()
    {
        Digest before = _store.Contents;
        Apply(new Command.LeaseGrant(7, 60));
        Digest granted = _store.Contents;
        Apply(new Command.LeaseRenew(7));
        Digest renewed = _store.Contents;
        Apply(new Command.LeaseCheckpoint([Remainder(7, 4_000)]));
        Digest checkpointed = _store.Contents;
        Apply(new Command.LeaseRevoke(7));

        Assert.Equal(4, new HashSet<Digest> { before, granted, renewed, checkpointed }.Count);
        Assert.Equal(before, _store.Contents);
    }

    [Fact]
    public void Under_the_space_alarm_leases_are_renewed_and_end_but_none_is_granted()
    {
        Apply(new Command.LeaseGrant(7, 60), new Command.LeaseGrant(8, 60));
        Apply(new Command.Alarm(1, AlarmKind.NoSpace, IsRaised: true));

        Assert.Equal(StoreError.NoSpace, Refusal(new Command.LeaseGrant(9, 60)));
        Assert.IsType<Reply.Leased>(Apply(new Command.LeaseRenew(7)));
        Assert.IsType<Reply.Done>(Apply(new Command.LeaseRevoke(7)));
        Apply(new Command.LeaseExpire([Expiry(8)]));
        Assert.Equal(0, _store.Leases.Count);
    }

    private static Command.Put Put(string key, string value, long lease = 0) =>
        new(Entries.Utf8(key), Entries.Utf8(value), LeaseId: lease);

    private LeaseTable.Lease Lease(long id) => _store.Leases.Find(id)!;

    private LeaseExpiry Expiry(long id) => new(id, Lease(id).RenewedBehind);

    private LeaseRemainder Remainder(long id, long leftMs) => new(id, Lease(id).RenewedBehind, leftMs);

    private IEnumerable<string> KeysOf(long id) => Lease(id).Keys().Select(Encoding.UTF8.GetString);

    private StoreError Refusal(Command command) => Assert.IsType<Reply.Refused>(Apply(command)).Error;

    // One entry; the last command's reply.
    private Reply Apply(params Command[] commands)
    {
        AppliedEntry applied = _store.Apply(
            _store.AppliedOffset + 1, Entries.Encode(1, ++_sequence, commands));
        Assert.Equal(EntryFate.Applied, applied.Fate);
        return applied.Replies[^1];
    }
}
