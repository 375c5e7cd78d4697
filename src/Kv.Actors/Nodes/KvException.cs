namespace Kv.Actors.Nodes;

/// <summary>
/// A node cannot give the store's own answer. <see cref="Code"/> says what that means for the caller.
/// </summary>
public sealed class KvException(
    KvError code, string message, Exception? cause = null) : Exception(message, cause)
{
    public KvError Code { get; } = code;
}

/// <summary>The edge's table maps each to one gRPC status.</summary>
public enum KvError
{
    /// <summary>The node has not caught up with the log. Nothing was published: try another node.</summary>
    NotReady = 1,

    /// <summary>
    /// The log cannot be reached or is blocked. Nothing was published: try again or elsewhere.
    /// </summary>
    LogUnavailable = 2,

    /// <summary>The node stops. Nothing was published: try another node.</summary>
    Stopping = 3,

    /// <summary>
    /// The command was handed to the log, its answer did not come in time: it may be applied, now or later.
    /// Repeat it only with a request id, or read first.
    /// </summary>
    OutcomeUnknown = 4,

    /// <summary>Too much is waiting already. Nothing was published: slow down and try again.</summary>
    Overloaded = 5,

    /// <summary>The log contradicts what this node has applied; an operator has to decide.</summary>
    Halted = 6,

    /// <summary>The node's replication mode cannot do this.</summary>
    UnsupportedInMode = 7,

    /// <summary>
    /// Nodes of the cluster disagree about what the log says; nothing was published. Reads go on until an
    /// operator has chosen who is right.
    /// </summary>
    Diverged = 9,

    /// <summary>The caller's deadline ended before the command was published; it never will be.</summary>
    DeadlineBeforePublish = 8,

    /// <summary>
    /// The command was applied, but that it is persisted (ACK=persisted) was not known in time: it counts
    /// unless the log is lost. Repeat it only with a request id, or read first.
    /// </summary>
    NotPersisted = 10,

    /// <summary>
    /// The log must not grow before more of it is in snapshots. Nothing was published; an operator has to
    /// see why the members do not take any.
    /// </summary>
    LogFull = 11,
}
