using Kv.Core;
using Kv.Core.Auth;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Tests.Core.Auth;

public sealed class AuthTableTests
{
    private readonly AuthStore _store = new(isEnabled: false);

    [Fact]
    public void What_is_not_there_or_is_there_already_is_refused_and_changes_nothing()
    {
        long revision = _store.Table.Revision;
        var none = new AuthChange.RoleRevokePermission("r", Entries.Utf8("a"), Entries.Utf8("c"));

        Assert.Equal(StoreError.UserNameEmpty, Error(new AuthChange.UserAdd("", default)));
        Assert.Equal(StoreError.UserExists, Error(new AuthChange.UserAdd("u", default)));
        Assert.Equal(StoreError.UserNotFound, Error(new AuthChange.UserDelete("x")));
        Assert.Equal(StoreError.UserNotFound, Error(new AuthChange.UserChangePassword("x", default)));
        Assert.Equal(StoreError.UserNotFound, Error(new AuthChange.UserGrantRole("x", "r")));
        Assert.Equal(StoreError.RoleNotFound, Error(new AuthChange.UserGrantRole("u", "x")));
        Assert.Equal(StoreError.UserNotFound, Error(new AuthChange.UserRevokeRole("x", "r")));
        Assert.Equal(StoreError.RoleNotGranted, Error(new AuthChange.UserRevokeRole("root", "r")));
        Assert.Equal(StoreError.RoleNameEmpty, Error(new AuthChange.RoleAdd("")));
        Assert.Equal(StoreError.RoleExists, Error(new AuthChange.RoleAdd("r")));
        Assert.Equal(StoreError.RoleNotFound, Error(new AuthChange.RoleDelete("x")));
        Assert.Equal(StoreError.RoleNotFound, Error(new AuthChange.RoleGrantPermission(
            "x", AuthStore.Permission(PermissionKind.Read, "a"))));
        Assert.Equal(StoreError.RoleNotFound, Error(none with { Role = "x" }));
        Assert.Equal(StoreError.PermissionNotGranted, Error(none));
        Assert.Equal(revision, _store.Table.Revision);
    }

    [Fact]
    public void Root_has_to_exist_and_to_have_its_role_before_anything_is_enabled()
    {
        Change(new AuthChange.UserRevokeRole("root", "root"));
        StoreError? withoutRole = Error(new AuthChange.Enable(AuthStore.Key));
        Change(new AuthChange.UserDelete("root"));
        StoreError? withoutUser = Error(new AuthChange.Enable(AuthStore.Key));

        Assert.Equal(StoreError.RootRoleNotGranted, withoutRole);
        Assert.Equal(StoreError.RootUserNotFound, withoutUser);
    }

    [Fact]
    public void Root_is_not_deleted_while_it_is_enabled()
    {
        Change(new AuthChange.RoleAdd("root"));
        Change(new AuthChange.Enable(AuthStore.Key));

        Assert.Equal(StoreError.AuthChangeInvalid, Error(new AuthChange.UserDelete("root")));
        Assert.Equal(StoreError.AuthChangeInvalid, Error(new AuthChange.UserRevokeRole("root", "root")));
        Assert.Equal(StoreError.AuthChangeInvalid, Error(new AuthChange.RoleDelete("root")));
    }

    [Fact]
    public void The_revision_grows_with_every_change_but_enabling_and_what_changes_nothing()
    {
        long revision = _store.Table.Revision;
        Change(new AuthChange.UserGrantRole("u", "r"));
        Change(new AuthChange.Disable());
        Change(new AuthChange.Enable(AuthStore.Key));
        Change(new AuthChange.Enable(AuthStore.Key));
        long enabled = _store.Table.Revision;
        Change(new AuthChange.Disable());

        Assert.Equal(1, AuthTable.Empty.Revision);
        Assert.Equal(revision, enabled);
        Assert.Equal(revision + 1, _store.Table.Revision);
    }

    [Fact]
    public void A_deleted_role_is_taken_from_its_users()
    {
        Change(new AuthChange.RoleDelete("r"));

        Assert.Equal(["w"], _store.Table.Users["u"].Roles);
    }

    [Fact]
    public void A_range_has_one_permission_in_a_role()
    {
        Change(new AuthChange.RoleGrantPermission("r", AuthStore.Permission(PermissionKind.Write, "a", "b")));
        Change(new AuthChange.RoleGrantPermission("r", AuthStore.Permission(PermissionKind.Read, "a", "c")));

        Assert.Equal(
            [(PermissionKind.Write, "b"), (PermissionKind.Read, "c"), (PermissionKind.ReadWrite, "c")],
            _store.Table.Roles["r"].Permissions.Select(static permission => (
                permission.Kind, System.Text.Encoding.UTF8.GetString(permission.RangeEnd.Span))));
    }

    [Fact]
    public void The_table_is_bounded_and_so_are_names()
    {
        string name = new('n', KvLimits.AuthNameBytesMax + 1);
        var large = new KeyPermission(PermissionKind.Read, new byte[1_000_000], default);
        StoreError? full = null;
        for (int i = 0; i < 9 && full is null; i++)
        {
            full = Error(new AuthChange.RoleGrantPermission("r", large with { RangeEnd = new byte[i] }));
        }
        Change(new AuthChange.RoleDelete("r"));

        Assert.Equal(StoreError.AuthTableFull, full);
        Assert.Equal(StoreError.AuthTableFull, Error(new AuthChange.UserAdd(name, default)));
        Assert.Equal(StoreError.AuthTableFull, Error(new AuthChange.RoleAdd(name)));
        Assert.Null(Error(new AuthChange.RoleAdd("r")));
    }

    [Fact]
    public void A_table_keeps_no_bytes_of_an_entry()
    {
        byte[] hash = [1, 2, 3];
        AuthTable.Empty.Apply(new AuthChange.UserAdd("u", hash), out AuthTable table);
        hash[0] = 9;

        Assert.Equal([1, 2, 3], table.Users["u"].PasswordHash.ToArray());
    }

    private void Change(AuthChange change) => Assert.IsType<Reply.Done>(_store.Change(change));

    private StoreError? Error(AuthChange change) => (_store.Change(change) as Reply.Refused)?.Error;
}
