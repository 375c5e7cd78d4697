namespace Kv.Core.Entries;

/// <summary>What etcd's Auth service asks of the store.</summary>
public abstract partial record Command
{
    /// <summary>Changes users, roles, or whether they count. Takes neither order nor revision.</summary>
    public sealed record Auth(AuthChange Change) : Command;
}

/// <summary>One change of the table of users and roles. See <see cref="Kv.Core.Auth.AuthTable"/>.</summary>
public abstract record AuthChange
{
    private AuthChange() { }

    /// <summary>
    /// From here on permissions are checked. Without a user root that has the role root it is refused.
    /// </summary>
    /// <param name="TokenKey">
    /// Random, of <see cref="KvLimits.TokenKeyBytes"/>: what tokens are signed with until it is disabled.
    /// </param>
    public sealed record Enable(ReadOnlyMemory<byte> TokenKey) : AuthChange;

    public sealed record Disable : AuthChange;

    /// <param name="PasswordHash">As the node that was asked made it; the log never has a password.</param>
    /// <param name="HasNoPassword">The user cannot be authenticated by a password.</param>
    public sealed record UserAdd(
        string Name, ReadOnlyMemory<byte> PasswordHash, bool HasNoPassword = false) : AuthChange;

    public sealed record UserDelete(string Name) : AuthChange;

    /// <inheritdoc cref="UserAdd"/>
    public sealed record UserChangePassword(string Name, ReadOnlyMemory<byte> PasswordHash) : AuthChange;

    public sealed record UserGrantRole(string User, string Role) : AuthChange;

    public sealed record UserRevokeRole(string User, string Role) : AuthChange;

    public sealed record RoleAdd(string Name) : AuthChange;

    /// <summary>Takes the role from all users that have it, too.</summary>
    public sealed record RoleDelete(string Name) : AuthChange;

    /// <summary>Replaces what the role may do with the very same range.</summary>
    public sealed record RoleGrantPermission(string Role, KeyPermission Permission) : AuthChange;

    public sealed record RoleRevokePermission(
        string Role, ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> RangeEnd) : AuthChange;
}

/// <summary>What a role may do with a range of keys.</summary>
/// <param name="RangeEnd">As <see cref="Store.RangeQuery.RangeEnd"/>.</param>
public sealed record KeyPermission(
    PermissionKind Kind, ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> RangeEnd);

/// <summary>Numbers as in etcd's Permission.Type.</summary>
public enum PermissionKind : byte
{
    Read = 0,
    Write = 1,
    ReadWrite = 2,
}
