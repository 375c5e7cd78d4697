using System.Buffers;
using System.IO.Hashing;
using Kv.Core.Entries;

namespace Kv.Actors.Journal;

/// <summary>The bytes of a journal's segments; the layout is in docs/formats-journal.md.</summary>
internal static class JournalFormat
{
    internal const byte Version = 1;
    internal const int HeaderBytes = 56;
    internal const int RecordHeadBytes = sizeof(int) + sizeof(long);
    internal const int ChecksumBytes = sizeof(ulong);
    internal const int MarkBytes = sizeof(int) + sizeof(ulong) + sizeof(long) + sizeof(long) + ChecksumBytes;

    /// <summary>Stands where a record has its length.</summary>
    internal const int MarkLength = -1;

    /// <summary>Where a mark has its magic, counted from its start.</summary>
    internal const int MarkMagicAt = sizeof(int);

    internal static ReadOnlySpan<byte> Magic => "KVJN"u8;

    internal static ReadOnlySpan<byte> MarkMagic => "KVJNSYNC"u8;

    /// <summary>What a segment says of itself.</summary>
    /// <param name="ClusterId">0: it begins before the cluster's genesis.</param>
    /// <param name="Before">The place in history it goes on from.</param>
    internal readonly record struct Header(ulong ClusterId, JournalPoint Before, long FirstOffset);

    internal static byte[] Encode(Header header)
    {
        var buffer = new ArrayBufferWriter<byte>(HeaderBytes);
        var writer = new ByteWriter(buffer);
        writer.Raw(Magic);
        writer.U8(Version);
        writer.U8(0);
        writer.U16(0);
        writer.U64(header.ClusterId);
        writer.I64(header.Before.Offset);
        writer.Digest(header.Before.Chain);
        writer.I64(header.FirstOffset);
        writer.U64(XxHash3.HashToUInt64(buffer.WrittenSpan));
        return buffer.WrittenSpan.ToArray();
    }

    /// <exception cref="FormatException">It is none, or damaged, or of a newer build.</exception>
    internal static Header ReadHeader(ReadOnlyMemory<byte> bytes)
    {
        ReadOnlySpan<byte> span = bytes.Span;
        if (span.Length < HeaderBytes || !span.StartsWith(Magic))
        {
            throw new FormatException("It does not begin like a journal.");
        }
        var reader = new ByteReader(bytes);
        reader.Take(Magic.Length);
        byte version = reader.U8();
        if (version != Version)
        {
            throw new FormatException($"Its format version is {version}; this build reads {Version}.");
        }
        if (Checksum(span[..(HeaderBytes - ChecksumBytes)], seed: 0) != ReadChecksum(span[..HeaderBytes]))
        {
            throw new FormatException("The checksum of its header does not match.");
        }
        if (reader.U8() != 0 || reader.U16() != 0)
        {
            throw new FormatException("Its flags are from a newer build.");
        }
        ulong clusterId = reader.U64();
        long beforeOffset = reader.I64();
        Digest beforeChain = reader.Digest();
        return new Header(clusterId, new JournalPoint(beforeOffset, beforeChain), reader.I64());
    }

    /// <summary>
    /// Each record's checksum begins with the chain digest before it: a record in another's place, or behind
    /// a lost one, does not match.
    /// </summary>
    internal static void WriteRecord(ArrayBufferWriter<byte> buffer, in JournalRecord record, Digest before)
    {
        int start = buffer.WrittenCount;
        var writer = new ByteWriter(buffer);
        writer.I32(record.Entry.Length);
        writer.I64(record.Offset);
        writer.Raw(record.Entry.Span);
        writer.U64(Checksum(buffer.WrittenSpan[start..], Seed(before)));
    }

    /// <summary>
    /// "All bytes of this segment before <paramref name="synced"/> are on disk": what is wrong there is
    /// damage and no torn tail. It tells its own position, so that no copy of it elsewhere counts.
    /// </summary>
    internal static void WriteMark(ArrayBufferWriter<byte> buffer, long position, long synced, ulong seed)
    {
        int start = buffer.WrittenCount;
        var writer = new ByteWriter(buffer);
        writer.I32(MarkLength);
        writer.Raw(MarkMagic);
        writer.I64(position);
        writer.I64(synced);
        writer.U64(Checksum(buffer.WrittenSpan[start..], unchecked((long)seed)));
    }

    /// <returns>Up to where it says that all is on disk; null: it is no mark of that place.</returns>
    internal static long? ReadMark(ReadOnlyMemory<byte> bytes, long position, ulong seed)
    {
        var reader = new ByteReader(bytes);
        if (bytes.Length < MarkBytes
            || reader.I32() != MarkLength
            || !reader.Take(MarkMagic.Length).Span.SequenceEqual(MarkMagic)
            || reader.I64() != position)
        {
            return null;
        }
        ReadOnlySpan<byte> mark = bytes.Span[..MarkBytes];
        return Checksum(mark[..^ChecksumBytes], unchecked((long)seed)) == ReadChecksum(mark)
            ? reader.I64()
            : null;
    }

    /// <summary>What makes marks of one segment unlike those of another.</summary>
    internal static ulong SeedOfMarks(ReadOnlySpan<byte> header) => ReadChecksum(header[..HeaderBytes]);

    internal static bool IsWhole(ReadOnlySpan<byte> record, Digest before) =>
        Checksum(record[..^ChecksumBytes], Seed(before)) == ReadChecksum(record);

    private static long Seed(Digest before) => unchecked((long)before.Low);

    private static ulong Checksum(ReadOnlySpan<byte> bytes, long seed) => XxHash3.HashToUInt64(bytes, seed);

    private static ulong ReadChecksum(ReadOnlySpan<byte> bytes) =>
        System.Buffers.Binary.BinaryPrimitives.ReadUInt64LittleEndian(bytes[^ChecksumBytes..]);
}
