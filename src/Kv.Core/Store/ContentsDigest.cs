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

    internal void Add(KeyRecord record) => _sum += Of(record);

    internal void Remove(KeyRecord record) => _sum -= Of(record);

    /// <summary>
    /// Covers the counters and the other tables, too: two stores that answer differently are not equal.
    /// </summary>
    /// <param name="tables">As the keys' sum, of the tables beside them.</param>
    internal readonly Digest Value(long revision, long compacted, long order, UInt128 tables)
    {
        Span<byte> bytes = stackalloc byte[(2 * Digest.BytesLength) + (3 * sizeof(long))];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, _sum);
        BinaryPrimitives.WriteUInt128BigEndian(bytes[16..], tables);
        BinaryPrimitives.WriteInt64BigEndian(bytes[32..], revision);
        BinaryPrimitives.WriteInt64BigEndian(bytes[40..], compacted);
        BinaryPrimitives.WriteInt64BigEndian(bytes[48..], order);
        return Digest.Of(bytes);
    }

    private static UInt128 Of(KeyRecord record)
    {
        Span<byte> bytes = stackalloc byte[RecordBytes];
        Digest.Of(record.Key).WriteTo(bytes);
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
