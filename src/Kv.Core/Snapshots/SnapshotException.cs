namespace Kv.Core.Snapshots;

/// <summary>A snapshot that must not be used. The message says what is wrong with it, and where.</summary>
public sealed class SnapshotException(SnapshotFault fault, string message, Exception? cause = null)
    : Exception(message, cause)
{
    public SnapshotFault Fault { get; } = fault;
}

public enum SnapshotFault
{
    /// <summary>The bytes do not begin like a snapshot.</summary>
    NotASnapshot = 1,

    /// <summary>A newer build wrote it: that build reads it, this one does not.</summary>
    TooNew = 2,

    /// <summary>It ends before its footer: it was never finished, or was cut.</summary>
    Truncated = 3,

    /// <summary>A checksum, a count or the order of its parts does not hold.</summary>
    Damaged = 4,

    /// <summary>
    /// It is whole, but its cluster has a version of apply that this build does not run.
    /// </summary>
    OtherVersion = 5,
}
