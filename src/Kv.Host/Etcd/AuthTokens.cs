using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Kv.Core.Auth;

namespace Kv.Host.Etcd;

/// <summary>
/// Tokens of authenticated users. A token says whose it is, and is signed with the key that all nodes of the
/// cluster have from the log: any node takes one that another has issued. Any thread.
/// </summary>
/// <remarks>
/// It is good for a lifetime since it was issued, by the nodes' clocks, and on a node that sees it used,
/// for a lifetime since its last use there, as etcd's simple tokens are. It is void when its user is deleted
/// or gets another password, and when authentication is disabled.
/// </remarks>
/// <param name="lifetime">How long a token is good, unused.</param>
internal sealed class AuthTokens(TimeProvider clock, TimeSpan lifetime)
{
    /// <summary>
    /// Most tokens whose last use is remembered, some 300 B each. One beyond them is good for a lifetime
    /// since it was issued.
    /// </summary>
    public const int RememberedMax = 16_384;

    // Issued at (Unix ms), token revision, random bytes; then the user's name.
    private const int FixedBytes = 8 + 8 + 8;
    private const int SignatureBytes = 32;

    /// <summary>Longest token looked at, characters: of the longest name.</summary>
    private const int TokenCharsMax = 1_024;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Used> _used = new(StringComparer.Ordinal);
    private long _sweptAt = clock.GetTimestamp();

    /// <summary>A token for a user whose password was checked against that table.</summary>
    /// <exception cref="InvalidOperationException">The table checks nobody, and has no key.</exception>
    public string Issue(AuthTable table, AuthUser user)
    {
        if (!table.IsEnabled)
        {
            throw new InvalidOperationException("Tokens are issued while permissions are checked.");
        }
        int nameBytes = Encoding.UTF8.GetByteCount(user.Name);
        byte[] token = new byte[FixedBytes + nameBytes + SignatureBytes];
        BinaryPrimitives.WriteInt64BigEndian(token, clock.GetUtcNow().ToUnixTimeMilliseconds());
        BinaryPrimitives.WriteInt64BigEndian(token.AsSpan(8), user.TokenRevision);
        RandomNumberGenerator.Fill(token.AsSpan(16, 8));
        Encoding.UTF8.GetBytes(user.Name, token.AsSpan(FixedBytes));
        int signed = FixedBytes + nameBytes;
        HMACSHA256.HashData(table.TokenKey.Span, token.AsSpan(0, signed), token.AsSpan(signed));
        return Base64Url.EncodeToString(token);
    }

    /// <returns>Whose it is; null: it is none, or no longer good.</returns>
    public AuthUser? UserOf(AuthTable table, string token)
    {
        if (token.Length > TokenCharsMax || Read(table, token) is not var (name, revision, issuedAtMs)
            || !table.Users.TryGetValue(name, out AuthUser? user)
            || user.TokenRevision != revision)
        {
            return null;
        }
        double ageMs = Math.Abs(clock.GetUtcNow().ToUnixTimeMilliseconds() - issuedAtMs);
        return NoteUse(token, isFresh: ageMs <= lifetime.TotalMilliseconds) ? user : null;
    }

    private static (string Name, long Revision, long IssuedAtMs)? Read(AuthTable table, string token)
    {
        if (!Base64Url.IsValid(token))
        {
            return null;
        }
        byte[] bytes = Base64Url.DecodeFromChars(token);
        int signed = bytes.Length - SignatureBytes;
        if (signed <= FixedBytes)
        {
            return null;
        }
        Span<byte> signature = stackalloc byte[SignatureBytes];
        HMACSHA256.HashData(table.TokenKey.Span, bytes.AsSpan(0, signed), signature);
        return CryptographicOperations.FixedTimeEquals(signature, bytes.AsSpan(signed))
            ? (
                Encoding.UTF8.GetString(bytes.AsSpan(FixedBytes, signed - FixedBytes)),
                BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(8)),
                BinaryPrimitives.ReadInt64BigEndian(bytes))
            : null;
    }

    /// <returns>False: it was not used here for a lifetime, and is not fresh.</returns>
    private bool NoteUse(string token, bool isFresh)
    {
        long now = clock.GetTimestamp();
        lock (_lock)
        {
            if (_used.TryGetValue(token, out Used? used))
            {
                bool isGood = isFresh || clock.GetElapsedTime(used.LastAt, now) <= lifetime;
                used.LastAt = isGood ? now : used.LastAt;
                return isGood;
            }
            if (isFresh && (_used.Count < RememberedMax || Sweep(now)))
            {
                _used.Add(token, new Used { LastAt = now });
            }
            return isFresh;
        }
    }

    // At most once a second, so that a full table costs no call much.
    private bool Sweep(long now)
    {
        if (clock.GetElapsedTime(_sweptAt, now) < TimeSpan.FromSeconds(1))
        {
            return false;
        }
        _sweptAt = now;
        foreach ((string token, Used used) in _used)
        {
            if (clock.GetElapsedTime(used.LastAt, now) > lifetime)
            {
                _used.Remove(token);
            }
        }
        return _used.Count < RememberedMax;
    }

    private sealed class Used
    {
        public required long LastAt { get; set; }
    }
}
