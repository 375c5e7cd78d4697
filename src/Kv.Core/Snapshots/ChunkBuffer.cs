using System.Buffers;
using System.Buffers.Binary;
using System.IO.Hashing;

namespace Kv.Core.Snapshots;

/// <summary>
/// One chunk in the making: heading, payload, checksum. The array is used again for the next one.
/// </summary>
internal sealed class ChunkBuffer : IBufferWriter<byte>
{
    private byte[] _bytes = new byte[KvLimits.SnapshotChunkBytesTarget * 2];
    private int _length;

    public int PayloadLength => Math.Max(0, _length - SnapshotFormat.HeadingBytes);

    public ReadOnlySpan<byte> Payload => _bytes.AsSpan(SnapshotFormat.HeadingBytes, PayloadLength);

    public void Begin(SectionKind kind)
    {
        _bytes[0] = (byte)kind;
        _length = SnapshotFormat.HeadingBytes;
    }

    /// <summary>The finished chunk; valid until the next <see cref="Begin"/>.</summary>
    public ReadOnlyMemory<byte> Seal()
    {
        BinaryPrimitives.WriteInt32LittleEndian(_bytes.AsSpan(1), PayloadLength);
        ulong checksum = XxHash3.HashToUInt64(_bytes.AsSpan(0, _length));
        BinaryPrimitives.WriteUInt64LittleEndian(GetSpan(SnapshotFormat.ChecksumBytes), checksum);
        Advance(SnapshotFormat.ChecksumBytes);
        return _bytes.AsMemory(0, _length);
    }

    public void Advance(int count) => _length += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        MakeRoom(sizeHint);
        return _bytes.AsMemory(_length);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        MakeRoom(sizeHint);
        return _bytes.AsSpan(_length);
    }

    private void MakeRoom(int sizeHint)
    {
        int room = Math.Max(1, sizeHint);
        if (_bytes.Length - _length < room)
        {
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _length + room));
        }
    }
}
