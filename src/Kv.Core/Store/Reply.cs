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

    /// <param name="Previous">
    /// What was there before, if it was asked for and there was something.
    /// </param>
    public sealed record Stored(KeyRecord? Previous) : Reply;

    /// <param name="Previous">The records deleted, by key, if they were asked for.</param>
    public sealed record DeletedRange(long Count, IReadOnlyList<KeyRecord> Previous) : Reply;

    /// <param name="Result">Null on nodes that were not asked.</param>
    public sealed record Ranged(RangeResult? Result) : Reply;

    /// <param name="Succeeded">Every compare held.</param>
    /// <param name="Replies">
    /// One to each command done; its revision is what that part of the transaction saw.
    /// </param>
    public sealed record TxnDone(bool Succeeded, IReadOnlyList<Reply> Replies) : Reply;

    /// <summary>A lease was granted or renewed.</summary>
    public sealed record Leased(long LeaseId, long TtlSeconds) : Reply;

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

    /// <summary>
    /// The request was applied before, at the revision given, and its result had records of keys, which the
    /// request table does not keep.
    /// </summary>
    ResultNotKept = 8,

    /// <summary>The put keeps value or lease of a key that is not there.</summary>
    KeyNotFound = 9,

    /// <summary>The put keeps the value and brings one.</summary>
    ValueProvided = 10,

    /// <summary>The put keeps the lease and names one.</summary>
    LeaseProvided = 11,

    /// <summary>A transaction writes a key twice.</summary>
    DuplicateKey = 12,

    /// <summary>
    /// A transaction has more than <see cref="KvLimits.TxnCommandsMax"/> compares or commands in a list, or
    /// is nested deeper than <see cref="KvLimits.TxnDepthMax"/>.
    /// </summary>
    TooManyOperations = 13,

    /// <summary>The revision is below the one compacted to, or compacted to already.</summary>
    Compacted = 14,

    /// <summary>The store has not come to that revision yet.</summary>
    FutureRevision = 15,

    LeaseNotFound = 16,

    LeaseExists = 17,

    LeaseTtlTooLarge = 18,

    /// <summary>There are <see cref="KvLimits.LeasesMax"/> leases.</summary>
    TooManyLeases = 19,

    /// <summary>The NOSPACE alarm is raised: nothing is added.</summary>
    NoSpace = 20,

    /// <summary>The CORRUPT alarm is raised: nothing is served.</summary>
    Corrupt = 21,

    /// <summary>Permissions are to be checked from now on, but there is no user root.</summary>
    RootUserNotFound = 64,

    /// <summary>Permissions are to be checked from now on, but the user root has not the role root.</summary>
    RootRoleNotGranted = 65,

    UserExists = 66,

    /// <summary>
    /// A user is to have an empty name; or permissions are checked, and nobody said who asks.
    /// </summary>
    UserNameEmpty = 67,

    UserNotFound = 68,

    RoleExists = 69,

    RoleNameEmpty = 70,

    RoleNotFound = 71,

    /// <summary>The user has not the role that is to be revoked.</summary>
    RoleNotGranted = 72,

    /// <summary>The role has not the permission that is to be revoked.</summary>
    PermissionNotGranted = 73,

    PermissionDenied = 74,

    /// <summary>The user changed since it was looked up: who asks has to be found out again.</summary>
    AuthRevisionOld = 75,

    /// <summary>
    /// While permissions are checked, root is not deleted: not the user, not the role, not one's having the
    /// other.
    /// </summary>
    AuthChangeInvalid = 76,

    /// <summary>
    /// Users and roles exceed <see cref="KvLimits.AuthBytesMax"/>, or a name
    /// <see cref="KvLimits.AuthNameBytesMax"/>.
    /// </summary>
    AuthTableFull = 77,
}
