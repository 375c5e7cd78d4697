namespace Kv.Cli;

/// <summary>
/// What the process leaves with. Documented in <c>kv --help</c>: scripts rely on the numbers.
/// </summary>
internal enum ExitCode
{
    Ok = 0,

    /// <summary>There is no such key, or no such lease.</summary>
    NotFound = 1,

    /// <summary>The command line is wrong; nothing was sent.</summary>
    Usage = 2,

    /// <summary>No node could be reached or would serve; nothing was written.</summary>
    Unavailable = 3,

    /// <summary>A write was sent and its result never came: it may have been applied.</summary>
    OutcomeUnknown = 4,

    /// <summary>The server understood and said no; nothing was written.</summary>
    Refused = 5,

    /// <summary>The node has halted because its log cannot be trusted.</summary>
    DataLoss = 6,

    /// <summary>A file is no snapshot, is damaged, or is of a newer build.</summary>
    BadSnapshot = 7,

    /// <summary>A file or directory cannot be read or written, or is not empty.</summary>
    File = 8,

    /// <summary>
    /// Ctrl-C, when nothing can have been written, or to end a watch (128 + SIGINT, as shells have it).
    /// </summary>
    Interrupted = 130,
}
