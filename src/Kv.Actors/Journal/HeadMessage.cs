using System.Buffers;
using System.Buffers.Binary;
using System.IO.Hashing;
using Kv.Core;
using Kv.Core.Entries;

namespace Kv.Actors.Journal;

/// <summary>What nodes tell each other of their journals; the layout is in docs/formats-journal.md.</summary>
/// <param name="ClusterId">0: the sender belongs to none yet.</param>
/// <param name="Question">
/// Of an <see cref="HeadKind.Ask"/>: its name. Of a head: the question it answers; 0: none.
/// </param>
/// <param name="Head">Up to there the sender's journal is on disk.</param>
internal sealed record HeadMessage(
    HeadKind Kind, string NodeId, ulong ClusterId, ulong Question, JournalPoint Head)
{
    internal const string ContentType = "application/vnd.kv.journal-head";

    private const byte Version = 1;

    private static ReadOnlySpan<byte> Magic => "KVJH"u8;

    internal byte[] Encode()
    {
        var buffer = new ArrayBufferWriter<byte>(128);
        var writer = new ByteWriter(buffer);
        writer.Raw(Magic);
        writer.U8(Version);
        writer.U8((byte)Kind);
        writer.U16(0);
        writer.U64(ClusterId);
        writer.U64(Question);
        writer.I64(Head.Offset);
        writer.Digest(Head.Chain);
        writer.Text(NodeId);
        writer.U64(XxHash3.HashToUInt64(buffer.WrittenSpan));
        return buffer.WrittenSpan.ToArray();
    }

    /// <returns>Null: it is none, or damaged, or of a newer build.</returns>
    internal static HeadMessage? TryDecode(ReadOnlyMemory<byte> bytes)
    {
        const int ChecksumBytes = sizeof(ulong);
        if (bytes.Length < Magic.Length + ChecksumBytes
            || !bytes.Span.StartsWith(Magic)
            || XxHash3.HashToUInt64(bytes.Span[..^ChecksumBytes])
                != BinaryPrimitives.ReadUInt64LittleEndian(bytes.Span[^ChecksumBytes..]))
        {
            return null;
        }
        try
        {
            var reader = new ByteReader(bytes[Magic.Length..^ChecksumBytes]);
            byte version = reader.U8();
            var kind = (HeadKind)reader.U8();
            if (version != Version || !Enum.IsDefined(kind) || reader.U16() != 0)
            {
                return null;
            }
            ulong clusterId = reader.U64();
            ulong question = reader.U64();
            long offset = reader.I64();
            Digest chain = reader.Digest();
            string nodeId = reader.Text(KvLimits.NodeIdBytesMax);
            return reader.Left == 0
                ? new HeadMessage(kind, nodeId, clusterId, question, new JournalPoint(offset, chain))
                : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }
}

internal enum HeadKind : byte
{
    Head = 1,

    /// <summary>Every node answers with its head.</summary>
    Ask = 2,
}
