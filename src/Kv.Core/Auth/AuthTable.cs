using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Core.Auth;

/// <summary>
/// Users, roles, what they may do, and whether that is checked: replicated state, as etcd keeps it. A
/// table never changes: applying a change makes another, so that any thread may ask the one it has.
/// </summary>
public sealed class AuthTable
{
    /// <summary>
    /// Name of the user without whom nothing can be enabled, and of the role that may do all.
    /// </summary>
    public const string Root = "root";

    /// <summary>A table without users; its revision is 1, as in etcd.</summary>
    public static readonly AuthTable Empty = new(
        new AuthState(1, ReadOnlyMemory<byte>.Empty),
        ImmutableSortedDictionary.Create<string, AuthUser>(StringComparer.Ordinal),
        ImmutableSortedDictionary.Create<string, AuthRole>(StringComparer.Ordinal),
        hashes: 0,
        bytes: 0);

    internal static readonly ImmutableSortedSet<string> NoRoles = ImmutableSortedSet.Create<string>(
        StringComparer.Ordinal);

    private readonly AuthState _state;
    private readonly UInt128 _hashes;
    private readonly long _bytes;

    // Filled as users are asked for, by any thread. It goes with its table, and so never is out of date.
    private readonly ConcurrentDictionary<string, UserRanges> _merged = new(StringComparer.Ordinal);

    private AuthTable(
        AuthState state,
        ImmutableSortedDictionary<string, AuthUser> users,
        ImmutableSortedDictionary<string, AuthRole> roles,
        UInt128 hashes,
        long bytes)
    {
        _state = state;
        Users = users;
        Roles = roles;
        _hashes = hashes;
        _bytes = bytes;
    }

    /// <summary>Permissions are checked.</summary>
    public bool IsEnabled => !_state.TokenKey.IsEmpty;

    /// <summary>Grows with each change but enabling.</summary>
    public long Revision => _state.Revision;

    /// <summary>What tokens are signed with; empty: it is not enabled.</summary>
    public ReadOnlyMemory<byte> TokenKey => _state.TokenKey;

    public ImmutableSortedDictionary<string, AuthUser> Users { get; }

    public ImmutableSortedDictionary<string, AuthRole> Roles { get; }

    /// <summary>Sum of a hash of each record; 0 for a table that nobody changed.</summary>
    internal UInt128 Sum => IsPristine ? 0 : _hashes + _state.Hash;

    private bool IsPristine => !IsEnabled && Revision == Empty.Revision;

    /// <summary>All of it as records of a snapshot, in their order; none of a table nobody changed.</summary>
    internal IReadOnlyList<AuthRecord> Capture() =>
        IsPristine ? [] : [_state, .. Users.Values, .. Roles.Values];

    internal static AuthTable Restore(IEnumerable<AuthRecord> records) => records.Aggregate(
        Empty,
        static (table, record) => record switch
        {
            AuthState state => table.With(state),
            AuthUser user => table.With(user),
            _ => table.With((AuthRole)record),
        });

    /// <param name="changed">The table with the change; this one where it is refused.</param>
    /// <returns>Null: done; or why not.</returns>
    internal StoreError? Apply(AuthChange change, out AuthTable changed)
    {
        StoreError? refused = change switch
        {
            AuthChange.Enable enable => Enable(enable, out changed),
            AuthChange.Disable => Disable(out changed),
            AuthChange.UserAdd add => AddUser(add, out changed),
            AuthChange.UserDelete delete => DeleteUser(delete.Name, out changed),
            AuthChange.UserChangePassword password => ChangePassword(password, out changed),
            AuthChange.UserGrantRole grant => GrantRole(grant, out changed),
            AuthChange.UserRevokeRole revoke => RevokeRole(revoke, out changed),
            AuthChange.RoleAdd add => AddRole(add.Name, out changed),
            AuthChange.RoleDelete delete => DeleteRole(delete.Name, out changed),
            AuthChange.RoleGrantPermission grant => GrantPermission(grant, out changed),
            _ => RevokePermission((AuthChange.RoleRevokePermission)change, out changed),
        };
        if (refused is null && changed._bytes > KvLimits.AuthBytesMax && changed._bytes > _bytes)
        {
            refused = StoreError.AuthTableFull;
        }
        changed = refused is null ? changed : this;
        return refused;
    }

    /// <summary>What all of a user's roles together let it do, but for the role root.</summary>
    internal UserRanges RangesOf(AuthUser user)
    {
        if (_merged.TryGetValue(user.Name, out UserRanges? known))
        {
            return known;
        }
        if (_merged.Count >= KvLimits.MergedPermissionsMax)
        {
            _merged.Clear();
        }
        KeyPermission[] permissions =
        [
            .. user.Roles.SelectMany(name => Roles.TryGetValue(name, out AuthRole? role)
                ? role.Permissions
                : []),
        ];
        var merged = new UserRanges(
            new MergedRanges(permissions.Where(static permission =>
                permission.Kind is PermissionKind.Read or PermissionKind.ReadWrite)),
            new MergedRanges(permissions.Where(static permission =>
                permission.Kind is PermissionKind.Write or PermissionKind.ReadWrite)));
        _merged[user.Name] = merged;
        return merged;
    }

    private StoreError? Enable(AuthChange.Enable enable, out AuthTable changed)
    {
        changed = this;
        if (IsEnabled)
        {
            return null;
        }
        if (!Users.TryGetValue(Root, out AuthUser? root))
        {
            return StoreError.RootUserNotFound;
        }
        if (!root.IsRoot)
        {
            return StoreError.RootRoleNotGranted;
        }
        if (enable.TokenKey.Length != KvLimits.TokenKeyBytes)
        {
            return StoreError.AuthChangeInvalid;
        }
        changed = With(_state with { TokenKey = AuthRecordCodec.Own(enable.TokenKey) });
        return null;
    }

    private StoreError? Disable(out AuthTable changed)
    {
        changed = IsEnabled
            ? With(_state with { TokenKey = ReadOnlyMemory<byte>.Empty }).Next()
            : this;
        return null;
    }

    private StoreError? AddUser(AuthChange.UserAdd add, out AuthTable changed)
    {
        changed = this;
        if (add.Name.Length == 0)
        {
            return StoreError.UserNameEmpty;
        }
        if (Users.ContainsKey(add.Name))
        {
            return StoreError.UserExists;
        }
        if (IsTooLong(add.Name) || add.PasswordHash.Length > KvLimits.PasswordHashBytesMax)
        {
            return StoreError.AuthTableFull;
        }
        changed = With(new AuthUser(
            add.Name,
            AuthRecordCodec.Own(add.PasswordHash),
            add.HasNoPassword,
            Revision + 1,
            NoRoles)).Next();
        return null;
    }

    private StoreError? DeleteUser(string name, out AuthTable changed)
    {
        changed = this;
        if (IsEnabled && name == Root)
        {
            return StoreError.AuthChangeInvalid;
        }
        if (!Users.TryGetValue(name, out AuthUser? user))
        {
            return StoreError.UserNotFound;
        }
        changed = Without(user).Next();
        return null;
    }

    private StoreError? ChangePassword(AuthChange.UserChangePassword password, out AuthTable changed)
    {
        changed = this;
        if (!Users.TryGetValue(password.Name, out AuthUser? user))
        {
            return StoreError.UserNotFound;
        }
        if (password.PasswordHash.Length > KvLimits.PasswordHashBytesMax)
        {
            return StoreError.AuthTableFull;
        }
        changed = With(user with
        {
            PasswordHash = AuthRecordCodec.Own(password.PasswordHash),
            TokenRevision = Revision + 1,
        }).Next();
        return null;
    }

    private StoreError? GrantRole(AuthChange.UserGrantRole grant, out AuthTable changed)
    {
        changed = this;
        if (!Users.TryGetValue(grant.User, out AuthUser? user))
        {
            return StoreError.UserNotFound;
        }
        // The role root need not exist: it is known by its name.
        if (grant.Role != Root && !Roles.ContainsKey(grant.Role))
        {
            return StoreError.RoleNotFound;
        }
        if (!user.Roles.Contains(grant.Role))
        {
            changed = With(user with { Roles = user.Roles.Add(grant.Role) }).Next();
        }
        return null;
    }

    private StoreError? RevokeRole(AuthChange.UserRevokeRole revoke, out AuthTable changed)
    {
        changed = this;
        if (IsEnabled && revoke is { User: Root, Role: Root })
        {
            return StoreError.AuthChangeInvalid;
        }
        if (!Users.TryGetValue(revoke.User, out AuthUser? user))
        {
            return StoreError.UserNotFound;
        }
        if (!user.Roles.Contains(revoke.Role))
        {
            return StoreError.RoleNotGranted;
        }
        changed = With(user with { Roles = user.Roles.Remove(revoke.Role) }).Next();
        return null;
    }

    private StoreError? AddRole(string name, out AuthTable changed)
    {
        changed = this;
        if (name.Length == 0)
        {
            return StoreError.RoleNameEmpty;
        }
        if (Roles.ContainsKey(name))
        {
            return StoreError.RoleExists;
        }
        if (IsTooLong(name))
        {
            return StoreError.AuthTableFull;
        }
        changed = With(new AuthRole(name, [])).Next();
        return null;
    }

    private StoreError? DeleteRole(string name, out AuthTable changed)
    {
        changed = this;
        if (IsEnabled && name == Root)
        {
            return StoreError.AuthChangeInvalid;
        }
        if (!Roles.TryGetValue(name, out AuthRole? role))
        {
            return StoreError.RoleNotFound;
        }
        changed = Users.Values
            .Where(user => user.Roles.Contains(name))
            .Aggregate(Without(role), (table, user) => table.With(
                user with { Roles = user.Roles.Remove(name) }))
            .Next();
        return null;
    }

    private StoreError? GrantPermission(AuthChange.RoleGrantPermission grant, out AuthTable changed)
    {
        changed = this;
        if (!Roles.TryGetValue(grant.Role, out AuthRole? role))
        {
            return StoreError.RoleNotFound;
        }
        int at = role.Permissions.BinarySearch(grant.Permission, KeyPermissions.ByRange);
        KeyPermission own = AuthRecordCodec.Own(grant.Permission);
        changed = With(role with
        {
            Permissions = at < 0
                ? role.Permissions.Insert(~at, own)
                : role.Permissions.SetItem(at, own),
        }).Next();
        return null;
    }

    private StoreError? RevokePermission(AuthChange.RoleRevokePermission revoke, out AuthTable changed)
    {
        changed = this;
        if (!Roles.TryGetValue(revoke.Role, out AuthRole? role))
        {
            return StoreError.RoleNotFound;
        }
        int at = role.Permissions.BinarySearch(
            new KeyPermission(PermissionKind.Read, revoke.Key, revoke.RangeEnd), KeyPermissions.ByRange);
        if (at < 0)
        {
            return StoreError.PermissionNotGranted;
        }
        changed = With(role with { Permissions = role.Permissions.RemoveAt(at) }).Next();
        return null;
    }

    private static bool IsTooLong(string name) =>
        Encoding.UTF8.GetByteCount(name) > KvLimits.AuthNameBytesMax;

    private AuthTable Next() => With(_state with { Revision = Revision + 1 });

    private AuthTable With(AuthState state) => new(state, Users, Roles, _hashes, _bytes);

    private AuthTable With(AuthUser user) => new(
        _state,
        Users.SetItem(user.Name, user),
        Roles,
        _hashes + user.Hash - HashOf(Users, user.Name),
        _bytes + user.Bytes - BytesOf(Users, user.Name));

    private AuthTable With(AuthRole role) => new(
        _state,
        Users,
        Roles.SetItem(role.Name, role),
        _hashes + role.Hash - HashOf(Roles, role.Name),
        _bytes + role.Bytes - BytesOf(Roles, role.Name));

    private AuthTable Without(AuthUser user) =>
        new(_state, Users.Remove(user.Name), Roles, _hashes - user.Hash, _bytes - user.Bytes);

    private AuthTable Without(AuthRole role) =>
        new(_state, Users, Roles.Remove(role.Name), _hashes - role.Hash, _bytes - role.Bytes);

    private static UInt128 HashOf<T>(ImmutableSortedDictionary<string, T> records, string name)
        where T : AuthRecord => records.TryGetValue(name, out T? record) ? record.Hash : 0;

    private static long BytesOf<T>(ImmutableSortedDictionary<string, T> records, string name)
        where T : AuthRecord => records.TryGetValue(name, out T? record) ? record.Bytes : 0;

    /// <summary>What a user may read and what it may write.</summary>
    internal sealed record UserRanges(MergedRanges Read, MergedRanges Write);
}
