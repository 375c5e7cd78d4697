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

    public Digest Digest() => Entries.Digest.ReadFrom(Take(Entries.Digest.BytesLength).Span);

    public ReadOnlyMemory<byte> Bytes() => Take(I32());

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

    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);
}
