using Kv.Core.Entries;

namespace Kv.Actors.Journal;

/// <summary>A place in the log's history as a node applied it.</summary>
/// <param name="Offset">Offset of an applied message; -1: before the first.</param>
/// <param name="Chain">The chain digest there.</param>
public readonly record struct JournalPoint(long Offset, Digest Chain)
{
    /// <summary>Nothing was applied.</summary>
    public static readonly JournalPoint Start = new(-1, Digest.Zero);

    /// <summary>The place of the message that is applied next.</summary>
    public JournalPoint Next(long offset, ReadOnlySpan<byte> message) =>
        new(offset, Chain.Chain(offset, Digest.Of(message)));
}

/// <summary>A message of the log that was applied.</summary>
/// <param name="Entry">Its bytes; may be any, since strays are applied, too (ignored, but chained).</param>
/// <param name="Chain">The chain digest behind it.</param>
public readonly record struct JournalRecord(long Offset, ReadOnlyMemory<byte> Entry, Digest Chain)
{
    internal JournalPoint Point => new(Offset, Chain);
}
