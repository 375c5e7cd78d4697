using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace Kv.Core.Merge;

/// <summary>One version of one key: a value or a tombstone. Immutable; the arrays must not change.</summary>
public sealed class VersionedValue
{
    private const int LeafShift = 64 - 14;

    /// <param name="value">The JSON text; null makes a tombstone.</param>
    public VersionedValue(byte[] key, byte[]? value, VersionStamp stamp)
    {
        ArgumentNullException.ThrowIfNull(key);
        Key = key;
        Value = value;
        Stamp = stamp;
        Leaf = LeafOf(key);
    }

    public byte[] Key { get; }

    public byte[]? Value { get; }

    public VersionStamp Stamp { get; }

    /// <summary>The leaf of the digest table that the key belongs to.</summary>
    public int Leaf { get; }

    public bool IsTombstone => Value is null;

    /// <summary>Leaf of a key: the upper 14 bits of its XXH64. Equal on all nodes.</summary>
    public static int LeafOf(ReadOnlySpan<byte> key) => (int)(XxHash64.HashToUInt64(key) >> LeafShift);

    /// <summary>
    /// Whether this version replaces the other of the same key: by stamp, then a value before a tombstone,
    /// then by value bytes. Two versions that differ are never equal here, so all nodes choose the same.
    /// </summary>
    public bool Supersedes(VersionedValue other)
    {
        ArgumentNullException.ThrowIfNull(other);
        int order = Stamp.CompareTo(other.Stamp);
        if (order != 0) { return order > 0; }
        if (Value is null || other.Value is null) { return Value is not null && other.Value is null; }
        return Value.AsSpan().SequenceCompareTo(other.Value) > 0;
    }

    /// <summary>Hash of key, value and, if asked for, stamp: this version's share in a digest.</summary>
    public ulong HashWith(bool stamp)
    {
        var hash = new XxHash64();
        Span<byte> number = stackalloc byte[2 * sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(number, Key.Length);
        BinaryPrimitives.WriteInt32LittleEndian(number[sizeof(int)..], Value?.Length ?? -1);
        hash.Append(number);
        hash.Append(Key);
        hash.Append(Value.AsSpan());
        if (stamp) { AppendStamp(hash); }
        return hash.GetCurrentHashAsUInt64();
    }

    private void AppendStamp(XxHash64 hash)
    {
        Span<byte> numbers = stackalloc byte[(2 * sizeof(long)) + 16];
        BinaryPrimitives.WriteInt64LittleEndian(numbers, Stamp.Time);
        BinaryPrimitives.WriteInt64LittleEndian(numbers[8..], Stamp.Incarnation);
        BinaryPrimitives.WriteUInt128LittleEndian(numbers[16..], Stamp.Uuid);
        hash.Append(numbers);
        Span<byte> node = stackalloc byte[MergeLimits.NameBytesMax];
        // Names are checked where they come in; a longer one would be cut here, on all nodes alike.
        Encoding.UTF8.TryGetBytes(Stamp.NodeId, node, out int written);
        hash.Append(node[..written]);
    }
}
