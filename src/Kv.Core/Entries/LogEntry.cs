namespace Kv.Core.Entries;

/// <summary>
/// One message in the log: a batch of commands of one producer, and what proves its place. The layout is in
/// docs/formats.md.
/// </summary>
public sealed record LogEntry
{
    /// <summary>The cluster the entry belongs to; not 0.</summary>
    public required ulong ClusterId { get; init; }

    /// <summary>The producer's id; <see cref="NoProducer"/> for genesis and registrations.</summary>
    public required long ProducerId { get; init; }

    /// <summary>The producer's count of its entries, from 1; 0 without a producer.</summary>
    public required long Sequence { get; init; }

    /// <summary>The last offset its producer had applied when it built the entry; -1: none.</summary>
    public required long BasisOffset { get; init; }

    /// <summary>The producer's chain digest at <see cref="BasisOffset"/>.</summary>
    public required Digest BasisChain { get; init; }

    /// <summary>Producer's clock, Unix ms. Information for people; decides nothing.</summary>
    public required long TimestampMs { get; init; }

    public required IReadOnlyList<LoggedCommand> Commands { get; init; }

    /// <summary>A <see cref="ProducerId"/> that names none.</summary>
    public const long NoProducer = -1;
}

/// <summary>A command in an entry.</summary>
/// <param name="RequestId">The client's name for it; null: it has none.</param>
/// <param name="Principal">Who asks; null: nobody said, as when users do not count.</param>
public readonly record struct LoggedCommand(
    Command Command, RequestId? RequestId = null, Principal? Principal = null);
