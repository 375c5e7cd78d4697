using System.Buffers.Binary;
using System.Globalization;
using System.IO.Hashing;

namespace Kv.Core.Entries;

/// <summary>
/// A 128-bit hash (XXH3, https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md). It tells
/// accidents apart, not attackers.
/// </summary>
public readonly record struct Digest(ulong High, ulong Low)
{
    /// <summary>Bytes of a digest in every format: big-endian high half, then low half.</summary>
    public const int BytesLength = 16;

    /// <summary>The digest of nothing: a chain's start.</summary>
    public static readonly Digest Zero;

    public static Digest Of(ReadOnlySpan<byte> bytes)
    {
        UInt128 hash = XxHash128.HashToUInt128(bytes);
        return new Digest((ulong)(hash >> 64), (ulong)hash);
    }

    /// <summary>The chain's next link: covers the chain so far, the entry's offset and the entry.</summary>
    public Digest Chain(long offset, Digest entry)
    {
        Span<byte> link = stackalloc byte[BytesLength + sizeof(long) + BytesLength];
        WriteTo(link);
        BinaryPrimitives.WriteInt64BigEndian(link[BytesLength..], offset);
        entry.WriteTo(link[(BytesLength + sizeof(long))..]);
        return Of(link);
    }

    public void WriteTo(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, High);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], Low);
    }

    public static Digest ReadFrom(ReadOnlySpan<byte> source) => new(
        BinaryPrimitives.ReadUInt64BigEndian(source),
        BinaryPrimitives.ReadUInt64BigEndian(source[8..]));

    /// <summary>32 hexadecimal digits.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{High:x16}{Low:x16}");
}
