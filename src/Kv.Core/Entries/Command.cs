namespace Kv.Core.Entries;

/// <summary>
/// What an entry asks of the store. Memory given to a command must not change afterwards; the store copies
/// what it keeps.
/// </summary>
public abstract partial record Command
{
    private Command() { }

    /// <summary>Simple API: stores a value under a key.</summary>
    public sealed record Set(ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> Value) : Command;

    /// <summary>Simple API: a read with a place in the log.</summary>
    public sealed record Get(ReadOnlyMemory<byte> Key) : Command;

    /// <summary>Simple API: deletes a key.</summary>
    public sealed record Del(ReadOnlyMemory<byte> Key) : Command;

    /// <summary>
    /// Simple API: a point-in-time view of all keys. Which of them a client wants to see is the answering
    /// node's business and stays out of the log.
    /// </summary>
    public sealed record Print : Command;

    /// <summary>
    /// Takes a place in the log and does nothing: what was acknowledged before it was asked is before it.
    /// </summary>
    public sealed record Barrier : Command;

    /// <summary>
    /// Makes this entry's offset a producer id for the node. The nonce tells the node its own registration; a
    /// duplicate of the entry makes one more id, which nobody uses.
    /// </summary>
    public sealed record Register(UInt128 Nonce, string NodeId) : Command;

    /// <summary>Ends a producer id: no later entry of it is applied.</summary>
    public sealed record Close(long ProducerId) : Command;

    /// <summary>Founds the cluster. The first in a log counts; later ones are ignored.</summary>
    public sealed record Found(Genesis Genesis) : Command;

    /// <summary>
    /// The node's newest snapshot is on its disk: everything up to the offset is in it.
    /// </summary>
    /// <param name="Offset">The last offset applied in it.</param>
    /// <param name="LogBytes">
    /// <see cref="Store.ClusterSettings.LogBytes"/> in it: how much of the log it covers.
    /// </param>
    public sealed record SnapshotTaken(string NodeId, long Offset, long LogBytes) : Command;

    /// <summary>
    /// From here on that version of the rules of apply holds. A node whose build does not have it halts.
    /// </summary>
    public sealed record ClusterVersion(int Version) : Command;

    /// <summary>From here on the cluster is meant to have so many members.</summary>
    public sealed record ClusterSize(int Members) : Command;
}
