using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Kv.Files;

/// <summary>
/// What stands behind a snapshot that was fetched by etcd's own means: <c>etcdctl snapshot save</c> takes a
/// file only if it ends with a SHA-256 and is 32 bytes longer than a multiple of 512. Zeros, the snapshot's
/// length in 8 bytes, little-endian, then the hash of everything before it.
/// </summary>
public sealed class SnapshotTrailer : IDisposable
{
    private const int BlockBytes = 512;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long _length;

    /// <summary>Length of the trailer of a snapshot of that length, bytes.</summary>
    public static int LengthBehind(long snapshotLength) =>
        PaddingBehind(snapshotLength) + SHA256.HashSizeInBytes;

    /// <summary>The snapshot's next bytes.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        _hash.AppendData(bytes);
        _length += bytes.Length;
    }

    /// <summary>The trailer of all that was appended. Once.</summary>
    public byte[] Take()
    {
        byte[] trailer = new byte[LengthBehind(_length)];
        Span<byte> padding = trailer.AsSpan(0, PaddingBehind(_length));
        BinaryPrimitives.WriteInt64LittleEndian(padding[^sizeof(long)..], _length);
        _hash.AppendData(padding);
        _hash.GetHashAndReset(trailer.AsSpan(padding.Length));
        return trailer;
    }

    public void Dispose() => _hash.Dispose();

    /// <summary>
    /// Length of the snapshot in a file: without the trailer, if there is a whole one. Where the file was
    /// damaged it is all of it, and the snapshot's own reader says what is wrong.
    /// </summary>
    internal static async Task<long> SnapshotLengthAsync(FileStream file, CancellationToken stopping)
    {
        if (file.Length % BlockBytes != SHA256.HashSizeInBytes)
        {
            return file.Length;
        }
        byte[] end = new byte[sizeof(long) + SHA256.HashSizeInBytes];
        file.Position = file.Length - end.Length;
        await file.ReadExactlyAsync(end, stopping);
        long length = BinaryPrimitives.ReadInt64LittleEndian(end);
        bool isTrailer = length > 0
            && length < file.Length
            && length + LengthBehind(length) == file.Length
            && await HashAsync(file, file.Length - SHA256.HashSizeInBytes, stopping) is { } hash
            && hash.AsSpan().SequenceEqual(end.AsSpan(sizeof(long)));
        file.Position = 0;
        return isTrailer ? length : file.Length;
    }

    // At least the length itself, up to the end of a block.
    private static int PaddingBehind(long length) =>
        BlockBytes - (int)((length + sizeof(long)) % BlockBytes) + sizeof(long);

    private static async Task<byte[]> HashAsync(FileStream file, long length, CancellationToken stopping)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[BlockBytes * BlockBytes];
        file.Position = 0;
        for (long left = length; left > 0;)
        {
            int read = await file.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, left)), stopping);
            if (read == 0)
            {
                break;
            }
            hash.AppendData(buffer.AsSpan(0, read));
            left -= read;
        }
        return hash.GetHashAndReset();
    }
}
