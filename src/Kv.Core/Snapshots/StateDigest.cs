using System.Buffers.Binary;
using System.IO.Hashing;
using Kv.Core.Entries;

namespace Kv.Core.Snapshots;

/// <summary>
/// Hash of everything a store holds at an offset: equal on all nodes at equal offsets. Where the chain digest
/// says that two nodes were told the same, this says that they made the same of it.
/// </summary>
/// <remarks>
/// It covers each section that has entries (kind, payload, count), however they were cut into chunks, and not
/// the chain history: the chain digest covers that already, and how much of it is kept is a build's choice.
/// </remarks>
public sealed class StateDigest
{
    private readonly XxHash128 _hash = new();

    private readonly bool _ofBase;

    internal StateDigest() { }

    private StateDigest(SnapshotHeader header)
    {
        _ofBase = true;
        foreach (long value in (ReadOnlySpan<long>)[header.Revision, header.Order, header.RequestFloor])
        {
            Append(value);
        }
    }

    /// <summary>
    /// Of what a base carries over, and nothing else: revision, order and floor of the request table, then
    /// the sections but header, producers and chain history. The genesis, which names it, is not in it.
    /// </summary>
    internal static StateDigest OfBase(SnapshotHeader header) => new(header);

    /// <summary>O(n) and independent of the store's thread: some 100 ns a key.</summary>
    public static Digest Of(StoreCapture capture)
    {
        var encoder = new SnapshotEncoder(capture);
        foreach (ReadOnlyMemory<byte> _ in encoder.Chunks())
        {
            // Only what it hashes on the way is wanted.
        }
        return encoder.StateDigest;
    }

    internal Digest Value
    {
        get
        {
            UInt128 hash = _hash.GetCurrentHashAsUInt128();
            return new Digest((ulong)(hash >> 64), (ulong)hash);
        }
    }

    internal void Begin(SectionKind section)
    {
        if (Covers(section)) { _hash.Append([(byte)section]); }
    }

    internal void Append(SectionKind section, ReadOnlySpan<byte> payload)
    {
        if (Covers(section)) { _hash.Append(payload); }
    }

    internal void End(SectionKind section, long count)
    {
        if (Covers(section)) { Append(count); }
    }

    private void Append(long value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        _hash.Append(bytes);
    }

    private bool Covers(SectionKind section) => section switch
    {
        SectionKind.ChainHistory => false,
        SectionKind.Header or SectionKind.Producers => !_ofBase,
        _ => true,
    };
}
