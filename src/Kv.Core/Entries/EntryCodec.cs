using System.Buffers;
using System.Buffers.Binary;
using System.IO.Hashing;

namespace Kv.Core.Entries;

/// <summary>Entries as bytes, version 1. docs/formats.md has the table; change both or neither.</summary>
public static class EntryCodec
{
    public const byte FormatVersion = 1;

    private const int HeaderBytes = 64;
    private const int ChecksumBytes = 8;
    private const int CountAt = 6;

    private static ReadOnlySpan<byte> Magic => "KVLE"u8;

    /// <summary>The entry's bytes in an array of its own.</summary>
    /// <exception cref="ArgumentException">More commands than an entry holds, or none.</exception>
    public static byte[] Encode(LogEntry entry)
    {
        if (entry.Commands.Count is 0 or > KvLimits.EntryCommandsMax)
        {
            throw new ArgumentException(
                $"An entry has 1 to {KvLimits.EntryCommandsMax} commands, not "
                    + $"{entry.Commands.Count}.", nameof(entry));
        }
        int bytesMax = HeaderBytes + ChecksumBytes;
        foreach (LoggedCommand logged in entry.Commands)
        {
            bytesMax += CommandBytesMax(logged.Command, logged.Principal);
        }
        var buffer = new ArrayBufferWriter<byte>(bytesMax);
        var scratch = new ArrayBufferWriter<byte>(256);
        var writer = new ByteWriter(buffer);
        writer.Raw(Magic);
        writer.U8(FormatVersion);
        writer.U8(0);
        writer.U16((ushort)entry.Commands.Count);
        writer.U64(entry.ClusterId);
        writer.I64(entry.ProducerId);
        writer.I64(entry.Sequence);
        writer.I64(entry.BasisOffset);
        writer.Digest(entry.BasisChain);
        writer.I64(entry.TimestampMs);
        foreach (LoggedCommand logged in entry.Commands)
        {
            CommandCodec.Write(writer, logged, scratch);
        }
        writer.U64(XxHash3.HashToUInt64(buffer.WrittenSpan));
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>
    /// Reads any bytes. Commands keep references into <paramref name="bytes"/>, which must not change as
    /// long as they are in use.
    /// </summary>
    public static EntryReading Read(ReadOnlyMemory<byte> bytes)
    {
        ReadOnlySpan<byte> span = bytes.Span;
        if (!span.StartsWith(Magic))
        {
            return new EntryReading.Stray();
        }
        if (span.Length < HeaderBytes + ChecksumBytes)
        {
            return new EntryReading.Unreadable($"It has {span.Length} bytes, fewer than any entry.");
        }
        if (span[Magic.Length] != FormatVersion)
        {
            return new EntryReading.Unreadable(
                $"It has format version {span[Magic.Length]}; this build reads version {FormatVersion}.");
        }
        ulong checksum = BinaryPrimitives.ReadUInt64LittleEndian(span[^ChecksumBytes..]);
        if (XxHash3.HashToUInt64(span[..^ChecksumBytes]) != checksum)
        {
            return new EntryReading.Unreadable("Its checksum does not match: it was damaged.");
        }
        try
        {
            return new EntryReading.Entry(ReadVerified(bytes[..^ChecksumBytes]));
        }
        catch (FormatException newerOrWrong)
        {
            return new EntryReading.Unreadable(newerOrWrong.Message);
        }
    }

    /// <summary>An upper bound of the bytes that a command adds to an entry.</summary>
    public static int CommandBytesMax(Command command, Principal? principal = null) =>
        CommandCodec.BytesMax(command) + CommandCodec.BytesMax(principal);

    private static LogEntry ReadVerified(ReadOnlyMemory<byte> bytes)
    {
        var reader = new ByteReader(bytes);
        reader.Take(CountAt - 1);
        if (reader.U8() != 0)
        {
            throw new FormatException("Entry flags are from a newer build.");
        }
        int count = reader.U16();
        ulong clusterId = reader.U64();
        long producerId = reader.I64();
        long sequence = reader.I64();
        long basisOffset = reader.I64();
        Digest basisChain = reader.Digest();
        long timestampMs = reader.I64();
        var commands = new LoggedCommand[count];
        for (int i = 0; i < count; i++)
        {
            commands[i] = CommandCodec.Read(ref reader);
        }
        if (reader.Left != 0)
        {
            throw new FormatException($"{reader.Left} bytes too many behind its commands.");
        }
        return new LogEntry
        {
            ClusterId = clusterId,
            ProducerId = producerId,
            Sequence = sequence,
            BasisOffset = basisOffset,
            BasisChain = basisChain,
            TimestampMs = timestampMs,
            Commands = commands,
        };
    }
}
