using System.Buffers.Binary;
using Kv.Core.Entries;

namespace Kv.Core.Store;

/// <summary>
/// Digest of what a store holds, kept up to date in O(1) per mutation: the sum modulo 2^128 of a hash of each
/// key with its record. A sum knows no order, so the keys' changes may be counted as they come.
/// </summary>
internal struct ContentsDigest
{
    private const int RecordBytes = (2 * Digest.BytesLength) + (4 * sizeof(long));

    private UInt128 _sum;

    internal void Add(ReadOnlySpan<byte> key, KeyRecord record) => _sum += Of(key, record);

    internal void Remove(ReadOnlySpan<byte> key, KeyRecord record) => _sum -= Of(key, record);

    /// <summary>Covers the counters, too: two stores that answer differently are not equal.</summary>
    internal readonly Digest Value(long revision, long order)
    {
        Span<byte> bytes = stackalloc byte[Digest.BytesLength + (2 * sizeof(long))];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, _sum);
        BinaryPrimitives.WriteInt64BigEndian(bytes[Digest.BytesLength..], revision);
        BinaryPrimitives.WriteInt64BigEndian(bytes[(Digest.BytesLength + sizeof(long))..], order);
        return Digest.Of(bytes);
    }

    private static UInt128 Of(ReadOnlySpan<byte> key, KeyRecord record)
    {
        Span<byte> bytes = stackalloc byte[RecordBytes];
        Digest.Of(key).WriteTo(bytes);
        Digest.Of(record.Value).WriteTo(bytes[Digest.BytesLength..]);
        Span<byte> numbers = bytes[(2 * Digest.BytesLength)..];
        BinaryPrimitives.WriteInt64BigEndian(numbers, record.CreateRevision);
        BinaryPrimitives.WriteInt64BigEndian(numbers[sizeof(long)..], record.ModRevision);
        BinaryPrimitives.WriteInt64BigEndian(numbers[(2 * sizeof(long))..], record.Version);
        BinaryPrimitives.WriteInt64BigEndian(numbers[(3 * sizeof(long))..], record.LeaseId);
        Digest hash = Digest.Of(bytes);
        return new UInt128(hash.High, hash.Low);
    }
}
