using System.Diagnostics;

namespace Kv.Core.Entries;

/// <summary>
/// Changes of users and roles as bytes: kind, then fields. See docs/formats.md. Names of any length are read:
/// what is too long is the table's to refuse, for an entry that cannot be read halts the node.
/// </summary>
internal static class AuthChangeCodec
{
    private const byte KindEnable = 1;
    private const byte KindDisable = 2;
    private const byte KindUserAdd = 3;
    private const byte KindUserDelete = 4;
    private const byte KindUserChangePassword = 5;
    private const byte KindUserGrantRole = 6;
    private const byte KindUserRevokeRole = 7;
    private const byte KindRoleAdd = 8;
    private const byte KindRoleDelete = 9;
    private const byte KindRoleGrantPermission = 10;
    private const byte KindRoleRevokePermission = 11;

    // A character of a name takes at most three bytes of UTF-8.
    private const int CharBytesMax = 3;

    /// <summary>An upper bound of the body's bytes, but for the fixed ones.</summary>
    internal static int BytesMax(AuthChange change) => change switch
    {
        AuthChange.Enable enable => enable.TokenKey.Length,
        AuthChange.Disable => 0,
        AuthChange.UserAdd add => (CharBytesMax * add.Name.Length) + add.PasswordHash.Length,
        AuthChange.UserDelete delete => CharBytesMax * delete.Name.Length,
        AuthChange.UserChangePassword changed =>
            (CharBytesMax * changed.Name.Length) + changed.PasswordHash.Length,
        AuthChange.UserGrantRole grant => CharBytesMax * (grant.User.Length + grant.Role.Length),
        AuthChange.UserRevokeRole revoke => CharBytesMax * (revoke.User.Length + revoke.Role.Length),
        AuthChange.RoleAdd add => CharBytesMax * add.Name.Length,
        AuthChange.RoleDelete delete => CharBytesMax * delete.Name.Length,
        AuthChange.RoleGrantPermission grant => (CharBytesMax * grant.Role.Length)
            + grant.Permission.Key.Length + grant.Permission.RangeEnd.Length,
        AuthChange.RoleRevokePermission revoke =>
            (CharBytesMax * revoke.Role.Length) + revoke.Key.Length + revoke.RangeEnd.Length,
        _ => throw Unknown(change),
    };

    internal static void Write(ByteWriter body, AuthChange change)
    {
        body.U8(KindOf(change));
        switch (change)
        {
            case AuthChange.Enable enable:
                body.VarBytes(enable.TokenKey.Span);
                break;
            case AuthChange.UserAdd add:
                body.Text(add.Name);
                body.U8((byte)(add.HasNoPassword ? 1 : 0));
                body.VarBytes(add.PasswordHash.Span);
                break;
            case AuthChange.UserDelete delete:
                body.Text(delete.Name);
                break;
            case AuthChange.UserChangePassword changed:
                body.Text(changed.Name);
                body.VarBytes(changed.PasswordHash.Span);
                break;
            case AuthChange.UserGrantRole grant:
                body.Text(grant.User);
                body.Text(grant.Role);
                break;
            case AuthChange.UserRevokeRole revoke:
                body.Text(revoke.User);
                body.Text(revoke.Role);
                break;
            case AuthChange.RoleAdd add:
                body.Text(add.Name);
                break;
            case AuthChange.RoleDelete delete:
                body.Text(delete.Name);
                break;
            case AuthChange.RoleGrantPermission grant:
                body.Text(grant.Role);
                WritePermission(body, grant.Permission);
                break;
            case AuthChange.RoleRevokePermission revoke:
                body.Text(revoke.Role);
                body.VarBytes(revoke.Key.Span);
                body.VarBytes(revoke.RangeEnd.Span);
                break;
        }
    }

    /// <exception cref="FormatException">The bytes are no change this build knows.</exception>
    internal static AuthChange Read(ref ByteReader body)
    {
        byte kind = body.U8();
        return kind switch
        {
            KindEnable => new AuthChange.Enable(body.VarBytes()),
            KindDisable => new AuthChange.Disable(),
            KindUserAdd => ReadUserAdd(ref body),
            KindUserDelete => new AuthChange.UserDelete(Name(ref body)),
            KindUserChangePassword => new AuthChange.UserChangePassword(Name(ref body), body.VarBytes()),
            KindUserGrantRole => new AuthChange.UserGrantRole(Name(ref body), Name(ref body)),
            KindUserRevokeRole => new AuthChange.UserRevokeRole(Name(ref body), Name(ref body)),
            KindRoleAdd => new AuthChange.RoleAdd(Name(ref body)),
            KindRoleDelete => new AuthChange.RoleDelete(Name(ref body)),
            KindRoleGrantPermission => new AuthChange.RoleGrantPermission(
                Name(ref body), ReadPermission(ref body)),
            KindRoleRevokePermission => new AuthChange.RoleRevokePermission(
                Name(ref body), body.VarBytes(), body.VarBytes()),
            _ => throw new FormatException($"A change of users of kind {kind} is from a newer build."),
        };
    }

    internal static void WritePermission(ByteWriter writer, KeyPermission permission)
    {
        writer.U8((byte)permission.Kind);
        writer.VarBytes(permission.Key.Span);
        writer.VarBytes(permission.RangeEnd.Span);
    }

    internal static KeyPermission ReadPermission(ref ByteReader reader)
    {
        var permission = new KeyPermission(
            (PermissionKind)reader.U8(), reader.VarBytes(), reader.VarBytes());
        return Enum.IsDefined(permission.Kind)
            ? permission
            : throw new FormatException($"Permission {(byte)permission.Kind} is from a newer build.");
    }

    private static byte KindOf(AuthChange change) => change switch
    {
        AuthChange.Enable => KindEnable,
        AuthChange.Disable => KindDisable,
        AuthChange.UserAdd => KindUserAdd,
        AuthChange.UserDelete => KindUserDelete,
        AuthChange.UserChangePassword => KindUserChangePassword,
        AuthChange.UserGrantRole => KindUserGrantRole,
        AuthChange.UserRevokeRole => KindUserRevokeRole,
        AuthChange.RoleAdd => KindRoleAdd,
        AuthChange.RoleDelete => KindRoleDelete,
        AuthChange.RoleGrantPermission => KindRoleGrantPermission,
        AuthChange.RoleRevokePermission => KindRoleRevokePermission,
        _ => throw Unknown(change),
    };

    private static AuthChange.UserAdd ReadUserAdd(ref ByteReader body)
    {
        string name = Name(ref body);
        byte flags = body.U8();
        return flags <= 1
            ? new AuthChange.UserAdd(name, body.VarBytes(), flags == 1)
            : throw new FormatException($"A user's flags {flags:x2} are from a newer build.");
    }

    private static string Name(ref ByteReader body) => body.Text(body.Left);

    private static UnreachableException Unknown(AuthChange change) =>
        new($"Unknown change {change.GetType().Name}.");
}
