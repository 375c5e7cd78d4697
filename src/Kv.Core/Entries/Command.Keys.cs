namespace Kv.Core.Entries;

/// <summary>
/// What etcd's KV service asks of the store. What must hold is checked by the store itself.
/// </summary>
public abstract partial record Command
{
    /// <summary>Stores a value under a key, and hangs the key on a lease or on none.</summary>
    /// <param name="LeaseId">0: none.</param>
    public sealed record Put(
        ReadOnlyMemory<byte> Key,
        ReadOnlyMemory<byte> Value,
        long LeaseId = 0,
        PutOptions Options = PutOptions.None) : Command;

    /// <summary>Deletes the keys of a range.</summary>
    /// <param name="RangeEnd">As <see cref="Store.RangeQuery.RangeEnd"/>.</param>
    /// <param name="WithPrevious">The reply has the records that were deleted.</param>
    public sealed record DeleteRange(
        ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> RangeEnd, bool WithPrevious = false) : Command;

    /// <summary>
    /// A read at a place in the log: as a part of a transaction it sees what stands before it.
    /// </summary>
    public sealed record Range(Store.RangeQuery Query) : Command;

    /// <summary>
    /// All of one list or all of the other, as the compares decide, at one revision. Compares of nested
    /// transactions are decided before anything is written, as etcd does.
    /// </summary>
    /// <param name="Success">
    /// <see cref="Put"/>, <see cref="DeleteRange"/>, <see cref="Range"/> and <see cref="Txn"/>; done when
    /// every compare holds.
    /// </param>
    /// <param name="Failure">As <paramref name="Success"/>; done otherwise.</param>
    public sealed record Txn(
        IReadOnlyList<TxnCompare> Compares,
        IReadOnlyList<Command> Success,
        IReadOnlyList<Command> Failure) : Command;

    /// <summary>
    /// Drops the history below a revision: from now on nothing can be read as it was before it.
    /// </summary>
    public sealed record Compact(long Revision) : Command;

    /// <summary>Raises or clears an alarm.</summary>
    public sealed record Alarm(ulong MemberId, AlarmKind Kind, bool IsRaised) : Command;
}

/// <summary>How a put differs from the plain one.</summary>
[Flags]
public enum PutOptions : byte
{
    None = 0,

    /// <summary>The reply has the record that was there before.</summary>
    WithPrevious = 1,

    /// <summary>The key keeps its value; it has to exist.</summary>
    IgnoreValue = 2,

    /// <summary>The key keeps its lease; it has to exist.</summary>
    IgnoreLease = 4,
}

/// <summary>Numbers as in etcd's AlarmType.</summary>
public enum AlarmKind : byte
{
    /// <summary>The store takes no more than its quota: writes that add are refused.</summary>
    NoSpace = 1,

    /// <summary>Members disagree about the contents: nothing is served.</summary>
    Corrupt = 2,
}

/// <summary>
/// One condition of a transaction. It holds when it holds for every key of its range. Where there is none it
/// is compared as if there were one with version, revisions and lease 0, and no compare of values holds.
/// </summary>
/// <param name="RangeEnd">As <see cref="Store.RangeQuery.RangeEnd"/>.</param>
/// <param name="Number">For every target but <see cref="CompareTarget.Value"/>.</param>
/// <param name="Value">For <see cref="CompareTarget.Value"/>.</param>
public sealed record TxnCompare(
    ReadOnlyMemory<byte> Key,
    ReadOnlyMemory<byte> RangeEnd,
    CompareTarget Target,
    CompareResult Result,
    long Number,
    ReadOnlyMemory<byte> Value);

/// <summary>Numbers as in etcd's CompareTarget.</summary>
public enum CompareTarget : byte
{
    Version = 0,
    CreateRevision = 1,
    ModRevision = 2,
    Value = 3,
    Lease = 4,
}

/// <summary>
/// What the record's side has to be, against the compare's. Numbers as in etcd's CompareResult.
/// </summary>
public enum CompareResult : byte
{
    Equal = 0,
    Greater = 1,
    Less = 2,
    NotEqual = 3,
}
