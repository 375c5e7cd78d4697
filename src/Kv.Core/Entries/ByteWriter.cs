using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Kv.Core.Entries;

/// <summary>Writes the little-endian fields of our formats to a buffer.</summary>
public readonly struct ByteWriter(IBufferWriter<byte> buffer)
{
    public void U8(byte value)
    {
        buffer.GetSpan(1)[0] = value;
        buffer.Advance(1);
    }

    public void U16(ushort value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(buffer.GetSpan(2), value);
        buffer.Advance(2);
    }

    public void I32(int value)
    {
        BinaryPrimitives.WriteInt32LittleEndian(buffer.GetSpan(4), value);
        buffer.Advance(4);
    }

    public void I64(long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(buffer.GetSpan(8), value);
        buffer.Advance(8);
    }

    public void U64(ulong value) => I64(unchecked((long)value));

    /// <summary>LEB128, unsigned: seven bits a byte, lowest first.</summary>
    public void VarU64(ulong value)
    {
        Span<byte> bytes = buffer.GetSpan(10);
        int length = 0;
        while (value >= 0x80)
        {
            bytes[length++] = (byte)(value | 0x80);
            value >>= 7;
        }
        bytes[length++] = (byte)value;
        buffer.Advance(length);
    }

    public void U128(UInt128 value)
    {
        BinaryPrimitives.WriteUInt128LittleEndian(buffer.GetSpan(16), value);
        buffer.Advance(16);
    }

    public void Digest(Digest value)
    {
        value.WriteTo(buffer.GetSpan(Entries.Digest.BytesLength));
        buffer.Advance(Entries.Digest.BytesLength);
    }

    /// <summary>Bytes without their length.</summary>
    public void Raw(ReadOnlySpan<byte> bytes) => buffer.Write(bytes);

    /// <summary>Length (i32), then the bytes.</summary>
    public void Bytes(ReadOnlySpan<byte> bytes)
    {
        I32(bytes.Length);
        buffer.Write(bytes);
    }

    /// <summary>Length (varint), then the bytes.</summary>
    public void VarBytes(ReadOnlySpan<byte> bytes)
    {
        VarU64((ulong)bytes.Length);
        buffer.Write(bytes);
    }

    /// <summary>Length in UTF-8 bytes (i32), then those.</summary>
    public void Text(string text)
    {
        int length = Encoding.UTF8.GetByteCount(text);
        I32(length);
        Encoding.UTF8.GetBytes(text, buffer.GetSpan(length));
        buffer.Advance(length);
    }
}
