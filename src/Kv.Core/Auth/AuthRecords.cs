using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using Kv.Core.Entries;

namespace Kv.Core.Auth;

/// <summary>Somebody who may ask the store for something.</summary>
/// <param name="PasswordHash">bcrypt's; empty: the user has none.</param>
/// <param name="HasNoPassword">The user cannot be authenticated by a password, whatever the hash.</param>
/// <param name="TokenRevision">
/// The table's revision when user or password was made: tokens issued before it are void.
/// </param>
/// <param name="Roles">In ordinal order.</param>
public sealed record AuthUser(
    string Name,
    ReadOnlyMemory<byte> PasswordHash,
    bool HasNoPassword,
    long TokenRevision,
    ImmutableSortedSet<string> Roles) : AuthRecord
{
    /// <summary>Has the role that may do everything.</summary>
    public bool IsRoot => Roles.Contains(AuthTable.Root);

    internal override long Bytes =>
        Size(Name) + PasswordHash.Length + Roles.Sum(static role => Size(role));
}

/// <summary>A name for what may be done with some ranges of keys.</summary>
/// <param name="Permissions">By key, then range end; no range twice.</param>
public sealed record AuthRole(string Name, ImmutableList<KeyPermission> Permissions) : AuthRecord
{
    internal override long Bytes => Size(Name) + Permissions.Sum(static permission =>
        KvLimits.AuthRecordBytesExtra + permission.Key.Length + permission.RangeEnd.Length);
}

/// <summary>What does not belong to one user or role.</summary>
/// <param name="TokenKey">Empty: permissions are not checked, there are no tokens.</param>
internal sealed record AuthState(long Revision, ReadOnlyMemory<byte> TokenKey) : AuthRecord
{
    internal override long Bytes => 0;
}

/// <summary>A part of <see cref="AuthTable"/>, as it stands in a snapshot.</summary>
public abstract record AuthRecord
{
    internal AuthRecord() { }

    /// <summary>What it counts against <see cref="KvLimits.AuthBytesMax"/>.</summary>
    internal abstract long Bytes { get; }

    /// <summary>See <see cref="Store.ContentsDigest"/>.</summary>
    internal UInt128 Hash
    {
        get
        {
            var bytes = new ArrayBufferWriter<byte>();
            AuthRecordCodec.Write(new ByteWriter(bytes), this);
            Digest hash = Digest.Of(bytes.WrittenSpan);
            return new UInt128(hash.High, hash.Low);
        }
    }

    private protected static long Size(string name) =>
        KvLimits.AuthRecordBytesExtra + Encoding.UTF8.GetByteCount(name);
}
