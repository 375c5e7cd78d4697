using Kv.Core.Entries;

namespace Kv.Core.Store;

/// <summary>What became of a message of the log; the same on every node.</summary>
/// <param name="Hash">Digest of the message's bytes.</param>
/// <param name="Entry">The entry; null where the bytes are none of ours.</param>
/// <param name="Sender">Node id of the producer; empty where none is known.</param>
/// <param name="Replies">One to a command when <see cref="EntryFate.Applied"/>, else none.</param>
/// <param name="Why">For every fate but Applied: what is wrong, for a person.</param>
public sealed record AppliedEntry(
    EntryFate Fate,
    Digest Hash,
    LogEntry? Entry,
    string Sender,
    IReadOnlyList<Reply> Replies,
    string Why);

public enum EntryFate
{
    /// <summary>Its commands were applied.</summary>
    Applied = 1,

    /// <summary>Its producer's sequence was applied before. Ignored.</summary>
    Duplicate = 2,

    /// <summary>
    /// An earlier sequence of its producer is missing. Ignored; the producer appends both again.
    /// </summary>
    Gap = 3,

    /// <summary>
    /// Its producer never registered, was closed or was forgotten. Ignored; it has to register anew.
    /// </summary>
    UnknownProducer = 4,

    /// <summary>No entry, or one of another cluster. Ignored, and counted for an alarm.</summary>
    Stray = 5,

    /// <summary>A genesis behind the first one. Ignored.</summary>
    LateGenesis = 6,

    /// <summary>
    /// The log contradicts itself or what was applied before, or nobody can read it. The store did not
    /// change and must not go on: DATA_LOSS.
    /// </summary>
    Halt = 7,

    /// <summary>
    /// Nobody can read it, and <see cref="StoreRules.SkipOffsets"/> says to pass over it. Counted, and in
    /// the chain as what it is: nodes that pass over it agree with each other and with no others.
    /// </summary>
    Skipped = 8,
}
