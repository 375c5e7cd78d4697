using Kv.Core.Entries;

namespace Kv.Actors.Publishing;

/// <summary>Makes entries: adds what every entry says of its origin.</summary>
internal sealed class EntryStamp(TimeProvider clock)
{
    /// <summary>What the node has applied when it builds an entry.</summary>
    internal readonly record struct Basis(long Offset, Digest Chain);

    internal static readonly Basis NoBasis = new(-1, Digest.Zero);

    internal byte[] Encode(
        IReadOnlyList<LoggedCommand> commands,
        ulong clusterId,
        long producerId,
        long sequence,
        Basis basis) =>
        EntryCodec.Encode(new LogEntry
        {
            ClusterId = clusterId,
            ProducerId = producerId,
            Sequence = sequence,
            BasisOffset = basis.Offset,
            BasisChain = basis.Chain,
            TimestampMs = clock.GetUtcNow().ToUnixTimeMilliseconds(),
            Commands = commands,
        });
}
