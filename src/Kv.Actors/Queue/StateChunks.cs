using System.Buffers.Binary;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Kv.Actors.Presence;
using Kv.Core.Merge;
using Kv.Protos.Internal.V1;
using CoreHeader = Kv.Core.Merge.StateHeader;
using HeaderProto = Kv.Protos.Internal.V1.StateHeader;
using LeafProto = Kv.Protos.Internal.V1.LeafPart;
using VersionProto = Kv.Protos.Internal.V1.Version;

namespace Kv.Actors.Queue;

/// <summary>
/// The state exchange between core and protobuf. Bytes of a protobuf message are shared, never changed.
/// </summary>
internal static class StateChunks
{
    /// <summary>A chunk is sent when it has so many bytes: 256 KiB with what may still come on top.</summary>
    private const int ChunkBytesTarget = 224 * 1_024;

    // The numbers and field tags of a version, in bytes, roughly.
    private const int VersionBytes = 64;
    private const int UuidBytes = 16;

    public static GetStateRequest ToRequest(string exchange, Announcement self, bool byArrival,
        ulong[] leaves)
    {
        byte[] digests = new byte[leaves.Length * sizeof(ulong)];
        for (int leaf = 0; leaf < leaves.Length; leaf++)
        {
            BinaryPrimitives.WriteUInt64BigEndian(digests.AsSpan(leaf * sizeof(ulong)), leaves[leaf]);
        }
        return new GetStateRequest
        {
            Exchange = exchange,
            Node = self.NodeId,
            Incarnation = self.Incarnation,
            ByArrival = byArrival,
            // Someone who has nothing says so in no bytes.
            LeafDigests = Array.TrueForAll(leaves, leaf => leaf == 0)
                ? ByteString.Empty
                : UnsafeByteOperations.UnsafeWrap(digests),
        };
    }

    /// <exception cref="PeerException">The digests have the wrong length.</exception>
    public static ulong[] ToLeaves(ByteString digests)
    {
        if (digests.Length != 0 && digests.Length != MergeLimits.Leaves * sizeof(ulong))
        {
            throw new PeerException(
                $"leaf_digests must have 0 or {MergeLimits.Leaves * sizeof(ulong)} bytes.");
        }
        ulong[] leaves = new ulong[digests.Length / sizeof(ulong)];
        for (int leaf = 0; leaf < leaves.Length; leaf++)
        {
            leaves[leaf] = BinaryPrimitives.ReadUInt64BigEndian(digests.Span[(leaf * sizeof(ulong))..]);
        }
        return leaves;
    }

    /// <summary>What someone with these digests lacks, in chunks.</summary>
    public static IEnumerable<StateChunk> Of(StateExport export, ulong[] leaves)
    {
        yield return new StateChunk { Header = ToProto(export.Header) };
        var chunk = new StateChunk();
        int chunkBytes = 0;
        foreach (int leaf in export.LeavesDifferingFrom(leaves))
        {
            var part = new LeafProto { Leaf = (uint)leaf };
            foreach (VersionedValue version in export.InLeaf(leaf))
            {
                int bytes = version.Key.Length + (version.Value?.Length ?? 0) + version.Stamp.NodeId.Length
                    + VersionBytes;
                if (chunkBytes > 0 && chunkBytes + bytes > ChunkBytesTarget)
                {
                    if (part.Versions.Count > 0) { chunk.Leaves.Add(part); }
                    yield return chunk;
                    (chunk, chunkBytes, part) = (new StateChunk(), 0, new LeafProto { Leaf = (uint)leaf });
                }
                part.Versions.Add(ToProto(version));
                chunkBytes += bytes;
            }
            part.Complete = true;
            chunk.Leaves.Add(part);
            chunkBytes += sizeof(ulong);
        }
        chunk.Last = true;
        yield return chunk;
    }

    public static CoreHeader ToHeader(HeaderProto header)
    {
        if (header.Lamport is < 0 or > MergeLimits.TimeMax)
        {
            throw new PeerException("The header has no time.");
        }
        List<SenderTable.Seen> senders = [];
        foreach (SenderSeen sender in header.Senders)
        {
            senders.Add(new SenderTable.Seen(
                new SenderTable.SenderRun(sender.Node, sender.Incarnation), ToRanges(sender.Ranges)));
        }
        List<UInt128> uuids = [];
        for (int at = 0; at + UuidBytes <= header.RecentUuids.Length; at += UuidBytes)
        {
            uuids.Add(BinaryPrimitives.ReadUInt128BigEndian(header.RecentUuids.Span[at..]));
        }
        List<CoveredTimes.Span> covered = [];
        foreach (CoveredSpan span in header.Covered) { covered.Add(new(span.After, span.Through)); }
        return new CoreHeader(
            header.Node, header.Incarnation, header.Lamport, header.Settled, covered, senders, uuids);
    }

    /// <exception cref="PeerException">A part makes no sense.</exception>
    public static List<LeafPart> ToParts(StateChunk chunk, NameTable names)
    {
        List<LeafPart> parts = [];
        foreach (LeafProto part in chunk.Leaves)
        {
            if (part.Leaf >= MergeLimits.Leaves)
            {
                throw new PeerException($"There is no leaf {part.Leaf}.");
            }
            List<VersionedValue> versions = new(part.Versions.Count);
            foreach (VersionProto version in part.Versions)
            {
                versions.Add(ToVersion(version, part.Leaf, names));
            }
            parts.Add(new LeafPart((int)part.Leaf, versions, part.Complete));
        }
        return parts;
    }

    private static VersionedValue ToVersion(VersionProto version, uint leaf, NameTable names)
    {
        if (version.Uuid.Length != UuidBytes || version.Key.IsEmpty
            || version.Lamport is <= 0 or > MergeLimits.TimeMax)
        {
            throw new PeerException("A version has no key, no uuid or no time.");
        }
        var stamp = new VersionStamp(version.Lamport, names.Unique(version.Node), version.Incarnation,
            BinaryPrimitives.ReadUInt128BigEndian(version.Uuid.Span));
        byte[]? value = version.HasValue ? version.Value.ToByteArray() : null;
        var merged = new VersionedValue(version.Key.ToByteArray(), value, stamp);
        return merged.Leaf == leaf
            ? merged
            : throw new PeerException("A key stands in a leaf that is not its own.");
    }

    private static VersionProto ToProto(VersionedValue version)
    {
        byte[] uuid = new byte[UuidBytes];
        BinaryPrimitives.WriteUInt128BigEndian(uuid, version.Stamp.Uuid);
        var proto = new VersionProto
        {
            Key = UnsafeByteOperations.UnsafeWrap(version.Key),
            Lamport = version.Stamp.Time,
            Node = version.Stamp.NodeId,
            Incarnation = version.Stamp.Incarnation,
            Uuid = UnsafeByteOperations.UnsafeWrap(uuid),
        };
        if (version.Value is not null) { proto.Value = UnsafeByteOperations.UnsafeWrap(version.Value); }
        return proto;
    }

    private static HeaderProto ToProto(CoreHeader header)
    {
        byte[] uuids = new byte[header.Uuids.Count * UuidBytes];
        for (int at = 0; at < header.Uuids.Count; at++)
        {
            BinaryPrimitives.WriteUInt128BigEndian(uuids.AsSpan(at * UuidBytes), header.Uuids[at]);
        }
        var proto = new HeaderProto
        {
            Node = header.NodeId,
            Incarnation = header.Incarnation,
            Lamport = header.Time,
            Settled = header.Settled,
            RecentUuids = UnsafeByteOperations.UnsafeWrap(uuids),
        };
        proto.Covered.Add(header.Covered.Select(
            span => new CoveredSpan { After = span.After, Through = span.Through }));
        foreach (SenderTable.Seen seen in header.Senders)
        {
            var sender = new SenderSeen { Node = seen.Sender.NodeId, Incarnation = seen.Sender.Incarnation };
            sender.Ranges.Add(seen.Ranges.Select(
                range => new SequenceRange { From = range.From, Through = range.Through }));
            proto.Senders.Add(sender);
        }
        return proto;
    }

    private static List<SequenceRanges.Range> ToRanges(RepeatedField<SequenceRange> ranges) =>
        [.. ranges.Select(range => new SequenceRanges.Range(range.From, range.Through))];
}
