using Kv.Core.Auth;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Tests.Core.Auth;

public sealed class AuthRulesTests
{
    private readonly AuthStore _store = new();

    [Fact]
    public void Nobody_is_checked_before_it_is_enabled()
    {
        var store = new AuthStore(isEnabled: false);

        Assert.Null(store.Error(Put("x"), who: null));
    }

    [Fact]
    public void Whoever_says_no_name_is_refused()
    {
        Command[] commands =
        [
            Put("a"), Delete("a"), Range("a"), new Command.Txn([], [], []), Entries.Set("a", "1"),
            Entries.Get("a"), Entries.Del("a"), new Command.Print(), new Command.LeaseGrant(7, 60),
            new Command.LeaseRenew(7), new Command.LeaseRevoke(7), new Command.Compact(1),
            new Command.Alarm(1, AlarmKind.NoSpace, IsRaised: true), new Command.ClusterSize(3),
            new Command.Auth(new AuthChange.Disable()),
        ];

        Assert.All(commands, command => Assert.Equal(
            StoreError.UserNameEmpty, _store.Error(command, who: null)));
    }

    [Fact]
    public void Root_may_do_everything()
    {
        Command[] commands =
        [
            Put("x"), Delete("x", "z"), Range("x"), Entries.Set("x", "1"), Entries.Get("x"), Entries.Del("x"),
            new Command.Print(), new Command.LeaseGrant(7, 60), new Command.LeaseRevoke(7),
            new Command.Compact(2), new Command.Alarm(1, AlarmKind.NoSpace, IsRaised: false),
            new Command.ClusterSize(3), new Command.Auth(new AuthChange.UserAdd("v", default)),
        ];

        Assert.All(commands, command => Assert.Null(_store.Error(command, _store.Root)));
    }

    [Fact]
    public void Others_do_nothing_that_concerns_the_whole()
    {
        Command[] commands =
        [
            new Command.Compact(1), new Command.Alarm(1, AlarmKind.NoSpace, IsRaised: true),
            new Command.ClusterSize(3), new Command.Auth(new AuthChange.UserGrantRole("u", "root")),
        ];

        Assert.All(commands, command => Assert.Equal(
            StoreError.PermissionDenied, _store.Error(command, _store.User)));
    }

    [Fact]
    public void Keys_are_read_and_written_as_roles_permit()
    {
        Command[] permitted =
        [
            Range("a"), Range("a", "c"), Range("b"), Entries.Get("a"), new Command.Print(),
            Put("b"), Put("c"), Put("b", PutOptions.WithPrevious), Entries.Set("c", "1"), Entries.Del("c"),
            Delete("b", "d"), Delete("b", withPrevious: true),
        ];
        Command[] denied =
        [
            Range("c"), Range("a", "d"), Range("a", "\0"), Entries.Get("c"),
            Put("a"), Put("d"), Put("c", PutOptions.WithPrevious), Entries.Set("a", "1"), Entries.Del("a"),
            Delete("a", "c"), Delete("b", "\0"), Delete("b", "d", withPrevious: true),
        ];

        Assert.All(permitted, command => Assert.Null(_store.Error(command, _store.User)));
        Assert.All(denied, command => Assert.Equal(
            StoreError.PermissionDenied, _store.Error(command, _store.User)));
    }

    [Fact]
    public void All_of_a_transaction_is_checked_whichever_way_it_goes()
    {
        Command.Txn nested = Txn([], [Put("b")], [Put("a")]);

        Assert.Null(_store.Error(
            Txn([Compare("a")], [Put("b"), Range("a", "c")], [Delete("c")]), _store.User));
        Assert.All(
            [
                Txn([Compare("c")], [], []),
                Txn([], [Put("b")], [Put("a")]),
                Txn([], [Range("c")], []),
                Txn([], [], [Delete("c", withPrevious: true)]),
                Txn([], [Put("c", PutOptions.WithPrevious)], []),
                Txn([], [nested], []),
                Txn([], [], [nested]),
            ],
            txn => Assert.Equal(StoreError.PermissionDenied, _store.Error(txn, _store.User)));
    }

    [Fact]
    public void A_lease_belongs_to_those_who_may_write_all_its_keys()
    {
        _store.Apply(new Command.LeaseGrant(7, 60), _store.User);
        Assert.Null(_store.Error(Put("b", leaseId: 7), _store.User));
        Assert.Null(_store.Error(new Command.LeaseRenew(7), _store.User));

        _store.Apply(Put("x", leaseId: 7), _store.Root);

        Assert.Equal(StoreError.PermissionDenied, _store.Error(Put("b", leaseId: 7), _store.User));
        Assert.Equal(StoreError.PermissionDenied, _store.Error(new Command.LeaseRenew(7), _store.User));
        Assert.Equal(StoreError.PermissionDenied, _store.Error(new Command.LeaseRevoke(7), _store.User));
        Assert.Equal(StoreError.LeaseNotFound, _store.Error(new Command.LeaseRevoke(8), _store.User));
        Assert.Null(_store.Error(new Command.LeaseRevoke(7), _store.Root));
    }

    [Fact]
    public void What_the_cluster_proposes_itself_passes()
    {
        _store.Apply(new Command.LeaseGrant(7, 60), _store.Root);
        Command[] proposed =
        [
            new Command.Barrier(), new Command.LeaseCheckpoint([]), new Command.SnapshotTaken("n1", 1, 1),
            new Command.ClusterVersion(1),
            new Command.LeaseExpire([new LeaseExpiry(7, _store.Store.Leases.Find(7)!.RenewedBehind)]),
        ];

        Assert.All(proposed, command => Assert.Null(_store.Error(command, who: null)));
        Assert.Null(_store.Store.Leases.Find(7));
        Assert.Null(_store.Error(
            new Command.Alarm(1, AlarmKind.NoSpace, IsRaised: true), Principal.Cluster));
    }

    [Fact]
    public void A_change_counts_from_its_place_in_the_log()
    {
        Principal before = _store.User;
        _store.Change(new AuthChange.UserRevokeRole("u", "w"));
        StoreError? revoked = _store.Error(Put("c"), before);
        StoreError? other = _store.Error(Put("b"), before);
        _store.Change(new AuthChange.RoleGrantPermission(
            "r", AuthStore.Permission(PermissionKind.Write, "c", "d")));

        Assert.Equal(StoreError.PermissionDenied, revoked);
        Assert.Null(other);
        Assert.Null(_store.Error(Put("c"), before));
    }

    [Fact]
    public void A_user_made_anew_is_not_the_one_who_asked()
    {
        Principal before = _store.User;
        _store.Change(new AuthChange.UserChangePassword("u", Entries.Utf8("another")));
        StoreError? changed = _store.Error(Put("b"), before);
        Principal between = _store.User;
        _store.Change(new AuthChange.UserDelete("u"));
        StoreError? deleted = _store.Error(Put("b"), between);
        _store.Change(new AuthChange.UserAdd("u", default));

        Assert.Equal(StoreError.AuthRevisionOld, changed);
        Assert.Equal(StoreError.PermissionDenied, deleted);
        Assert.Equal(StoreError.AuthRevisionOld, _store.Error(Range("a"), between));
        Assert.Equal(StoreError.PermissionDenied, _store.Error(Range("a"), _store.User));
    }

    [Fact]
    public void A_refusal_takes_no_order_and_is_not_the_answer_to_a_repetition()
    {
        long order = _store.Store.Order;
        var id = new RequestId(77, _store.Store.Revision);
        Reply denied = _store.Apply(Put("x"), _store.User, id);
        long orderAfter = _store.Store.Order;
        Reply permitted = _store.Apply(Put("x"), _store.Root, id);

        Assert.Equal(StoreError.PermissionDenied, Assert.IsType<Reply.Refused>(denied).Error);
        Assert.Equal(order, orderAfter);
        Assert.IsType<Reply.Stored>(permitted);
    }

    [Fact]
    public void The_table_of_a_change_answers_by_itself_on_any_thread()
    {
        AuthTable before = _store.Table;
        _store.Change(new AuthChange.UserRevokeRole("u", "r"));
        Principal user = _store.User;

        Assert.Null(AuthRules.CheckRead(before, user, "a"u8, []));
        Assert.Equal(StoreError.PermissionDenied, AuthRules.CheckRead(_store.Table, user, "a"u8, []));
    }

    private static Command.Put Put(string key, PutOptions options = PutOptions.None, long leaseId = 0) =>
        new(Entries.Utf8(key), Entries.Utf8("1"), leaseId, options);

    private static Command.DeleteRange Delete(string key, string end = "", bool withPrevious = false) =>
        new(Entries.Utf8(key), Entries.Utf8(end), withPrevious);

    private static Command.Range Range(string key, string end = "") =>
        new(new RangeQuery(Entries.Utf8(key), Entries.Utf8(end)));

    private static Command.Txn Txn(TxnCompare[] compares, Command[] success, Command[] failure) =>
        new(compares, success, failure);

    private static TxnCompare Compare(string key) => new(
        Entries.Utf8(key), default, CompareTarget.Version, CompareResult.Greater, 0, default);
}
