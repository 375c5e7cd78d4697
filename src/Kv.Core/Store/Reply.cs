namespace Kv.Core.Store;

/// <summary>
/// What applying a command answers. Equal on all nodes, except that only the node asked fills in values.
/// </summary>
public abstract record Reply
{
    private Reply() { }

    /// <summary>The store's revision after the command; 0 in queue mode, which has none.</summary>
    public required long Revision { get; init; }

    /// <summary>The command's order number; 0 for a command that takes none.</summary>
    public required long Order { get; init; }

    /// <summary>The command took its place and has no more to say: Set, Barrier, Register.</summary>
    public sealed record Done : Reply;

    /// <param name="Value">The value; null: there is no such key.</param>
    public sealed record Got(ReadOnlyMemory<byte>? Value) : Reply;

    /// <param name="View">The keys at this point; null on nodes that were not asked.</param>
    public sealed record Printed(IKeyValueView? View) : Reply;

    /// <param name="Deleted">Keys deleted.</param>
    public sealed record Removed(long Deleted) : Reply;

    /// <summary>The store did not do it; nothing changed.</summary>
    public sealed record Refused(StoreError Error) : Reply;
}

/// <summary>Why the store itself refuses a command, the same on every node.</summary>
public enum StoreError
{
    /// <summary>The key has no bytes.</summary>
    KeyEmpty = 1,

    /// <summary>Key and value exceed the genesis' RequestBytesMax.</summary>
    RequestTooLarge = 2,

    /// <summary>
    /// The request id is older than what the request table remembers; it may have been applied once.
    /// </summary>
    RequestIdExpired = 3,

    /// <summary>The request id was used before for another command.</summary>
    RequestIdReused = 4,

    /// <summary>A cluster has 1 to <see cref="KvLimits.ClusterSizeMax"/> members.</summary>
    ClusterSizeOutOfRange = 5,

    /// <summary>The cluster has a newer version already; it never goes back.</summary>
    ClusterVersionLower = 6,

    /// <summary>A snapshot was announced that has more of the log than there is.</summary>
    SnapshotAhead = 7,
}
