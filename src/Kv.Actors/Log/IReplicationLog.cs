using Akka;
using Akka.Streams.Dsl;

namespace Kv.Actors.Log;

/// <summary>
/// The replication log: entries in one order that every reader sees alike. An entry is an opaque, immutable
/// byte string here; what it means is Kv.Core's business.
/// </summary>
/// <remarks>
/// Contract of every implementation: appends made through one instance take their places in the order of
/// the calls to <see cref="AppendAsync"/>, except those that fail; an entry whose append failed with <see
/// cref="LogOutcomeUnknownException"/> may still turn up later, once or more than once; offsets grow
/// strictly and may have gaps; no offset ever names another entry than before unless the log was rewritten
/// behind our back, which readers have to detect.
/// </remarks>
public interface IReplicationLog : IAsyncDisposable
{
    /// <summary>
    /// Appends one entry. Completes when the log has taken it for good, as good as this log can promise.
    /// </summary>
    /// <remarks>Any thread. The bytes must not change until the task has ended.</remarks>
    /// <exception cref="LogUnavailableException">
    /// The entry was not handed to the log and never will be. Try again when the log is back.
    /// </exception>
    /// <exception cref="LogOutcomeUnknownException">
    /// The entry may be in the log or may still get there. Append the same bytes again until they are read
    /// back.
    /// </exception>
    Task AppendAsync(ReadOnlyMemory<byte> entry, CancellationToken stopping);

    /// <summary>
    /// A source of all entries from <paramref name="fromOffset"/> (inclusive) on, without end: at the tail
    /// it waits. It reads ahead by a bounded amount only and stops reading while there is no demand.
    /// </summary>
    /// <remarks>
    /// Each materialisation is a reader of its own. It fails when the connection breaks; the caller
    /// restarts it from its last applied offset. Each element is a run of records in offset order, 1 to
    /// <see cref="LogRecordsMax"/>; the bytes belong to the receiver.
    /// </remarks>
    Source<IReadOnlyList<LogRecord>, NotUsed> Read(long fromOffset);

    /// <summary>
    /// A source of what is appended after it has attached, in offset order, each as in <see cref="Read"/>.
    /// Its materialised task ends when it has attached, and fails when it could not.
    /// </summary>
    Source<IReadOnlyList<LogRecord>, Task> ReadTail();

    /// <summary>Most records in one element of <see cref="Read"/>.</summary>
    const int LogRecordsMax = 128;
}

/// <summary>An entry at its place in the log.</summary>
/// <param name="Offset">Place in the log: 0 or more, increasing, sparse.</param>
/// <param name="Entry">The bytes, as appended.</param>
public readonly record struct LogRecord(long Offset, ReadOnlyMemory<byte> Entry);

/// <summary>The log cannot be reached or takes no entries now; what was asked for did not happen.</summary>
public class LogUnavailableException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>
/// The log does not exist, or no longer does: waiting does not bring it back, an operator has to.
/// </summary>
public sealed class LogMissingException(string message, Exception? cause = null)
    : LogUnavailableException(message, cause);

/// <summary>The entry was handed over, but whether the log has it is not known.</summary>
public sealed class LogOutcomeUnknownException(
    string message, Exception? cause = null) : Exception(message, cause);
