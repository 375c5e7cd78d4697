using System.Collections.Immutable;
using System.Diagnostics;
using Kv.Core.Entries;

namespace Kv.Core.Auth;

/// <summary>Users and roles as bytes of a snapshot. See docs/formats-snapshot.md.</summary>
internal static class AuthRecordCodec
{
    private const byte KindState = 1;
    private const byte KindUser = 2;
    private const byte KindRole = 3;

    public static void Write(ByteWriter writer, AuthRecord record)
    {
        switch (record)
        {
            case AuthState state:
                writer.U8(KindState);
                writer.I64(state.Revision);
                writer.VarBytes(state.TokenKey.Span);
                break;
            case AuthUser user:
                writer.U8(KindUser);
                writer.Text(user.Name);
                writer.U8((byte)(user.HasNoPassword ? 1 : 0));
                writer.I64(user.TokenRevision);
                writer.VarBytes(user.PasswordHash.Span);
                writer.VarU64((ulong)user.Roles.Count);
                foreach (string role in user.Roles)
                {
                    writer.Text(role);
                }
                break;
            case AuthRole role:
                writer.U8(KindRole);
                writer.Text(role.Name);
                writer.VarU64((ulong)role.Permissions.Count);
                foreach (KeyPermission permission in role.Permissions)
                {
                    AuthChangeCodec.WritePermission(writer, permission);
                }
                break;
            default:
                throw new UnreachableException($"No snapshot form for {record.GetType().Name}.");
        }
    }

    /// <exception cref="FormatException">The bytes are no record this build knows.</exception>
    public static AuthRecord Read(ref ByteReader reader)
    {
        byte kind = reader.U8();
        return kind switch
        {
            KindState => new AuthState(reader.I64(), Own(reader.VarBytes())),
            KindUser => ReadUser(ref reader),
            KindRole => ReadRole(ref reader),
            _ => throw new FormatException($"A record of users of kind {kind} is from a newer build."),
        };
    }

    private static AuthUser ReadUser(ref ByteReader reader)
    {
        string name = reader.Text(KvLimits.AuthNameBytesMax);
        byte flags = reader.U8();
        if (flags > 1)
        {
            throw new FormatException($"A user's flags {flags:x2} are from a newer build.");
        }
        long tokenRevision = reader.I64();
        ReadOnlyMemory<byte> hash = Own(reader.VarBytes());
        ImmutableSortedSet<string>.Builder roles = AuthTable.NoRoles.ToBuilder();
        for (ulong left = reader.VarU64(); left > 0; left--)
        {
            roles.Add(reader.Text(KvLimits.AuthNameBytesMax));
        }
        return new AuthUser(name, hash, flags == 1, tokenRevision, roles.ToImmutable());
    }

    private static AuthRole ReadRole(ref ByteReader reader)
    {
        string name = reader.Text(KvLimits.AuthNameBytesMax);
        ImmutableList<KeyPermission>.Builder permissions = ImmutableList.CreateBuilder<KeyPermission>();
        for (ulong left = reader.VarU64(); left > 0; left--)
        {
            permissions.Add(Own(AuthChangeCodec.ReadPermission(ref reader)));
        }
        return new AuthRole(name, permissions.ToImmutable());
    }

    internal static KeyPermission Own(KeyPermission permission) =>
        new(permission.Kind, Own(permission.Key), Own(permission.RangeEnd));

    // What is read from an entry or a chunk is not ours to keep.
    internal static ReadOnlyMemory<byte> Own(ReadOnlyMemory<byte> bytes) => bytes.ToArray();
}
