using System.Buffers.Binary;
using System.Text;

namespace Kv.Core.Entries;

/// <summary>
/// Reads what <see cref="ByteWriter"/> wrote. Every read checks what is left, so hostile bytes end in
/// <see cref="FormatException"/> and nothing else.
/// </summary>
public struct ByteReader(ReadOnlyMemory<byte> bytes)
{
    private int _position;

    public readonly int Position => _position;

    public readonly int Left => bytes.Length - _position;

    public byte U8() => Take(1).Span[0];

    public ushort U16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(2).Span);

    public int I32() => BinaryPrimitives.ReadInt32LittleEndian(Take(4).Span);

    public long I64() => BinaryPrimitives.ReadInt64LittleEndian(Take(8).Span);

    public ulong U64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8).Span);

    public UInt128 U128() => BinaryPrimitives.ReadUInt128LittleEndian(Take(16).Span);

    /// <summary>LEB128, unsigned: seven bits a byte, lowest first.</summary>
    /// <exception cref="FormatException">It does not fit 64 bits, or the bytes end.</exception>
    public ulong VarU64()
    {
        ReadOnlySpan<byte> left = bytes.Span[_position..];
        ulong value = 0;
        for (int i = 0; i < left.Length; i++)
        {
            byte part = left[i];
            if (i == VarBytesMax - 1 && part > 1)
            {
                break;
            }
            value |= (ulong)(part & 0x7F) << (7 * i);
            if (part < 0x80)
            {
                _position += i + 1;
                return value;
            }
        }
        throw new FormatException("A number does not end, or does not fit 64 bits.");
    }

    public Digest Digest() => Entries.Digest.ReadFrom(Take(Entries.Digest.BytesLength).Span);

    public ReadOnlyMemory<byte> Bytes() => Take(I32());

    /// <summary>What <see cref="ByteWriter.VarBytes"/> wrote.</summary>
    public ReadOnlyMemory<byte> VarBytes()
    {
        ulong length = VarU64();
        return length <= int.MaxValue
            ? Take((int)length)
            : throw new FormatException($"A field of {length} bytes stands where {Left} are left.");
    }

    /// <summary>All that is left.</summary>
    public ReadOnlyMemory<byte> Rest() => Take(Left);

    /// <exception cref="FormatException">Not UTF-8, or longer than <paramref name="bytesMax"/>.</exception>
    public string Text(int bytesMax)
    {
        ReadOnlyMemory<byte> text = Bytes();
        if (text.Length > bytesMax)
        {
            throw new FormatException($"A text of {text.Length} bytes stands where at most {bytesMax} may.");
        }
        try
        {
            return StrictUtf8.GetString(text.Span);
        }
        catch (DecoderFallbackException notUtf8)
        {
            throw new FormatException("A text is not UTF-8.", notUtf8);
        }
    }

    /// <exception cref="FormatException">Fewer bytes are left.</exception>
    public ReadOnlyMemory<byte> Take(int count)
    {
        if (count < 0 || count > Left)
        {
            throw new FormatException($"A field of {count} bytes stands where {Left} are left.");
        }
        ReadOnlyMemory<byte> taken = bytes.Slice(_position, count);
        _position += count;
        return taken;
    }

    /// <summary>Bytes of the longest varint: ten times seven bits hold 64.</summary>
    private const int VarBytesMax = 10;

    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);
}
