using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Core.Auth;

/// <summary>
/// What a user needs for each command, as etcd has it. Stricter than etcd 3.4, as later ones are: of a
/// transaction all that is nested in it is checked, and its puts as any put. Any thread.
/// </summary>
public static class AuthRules
{
    /// <summary>Whether somebody may do all that a command asks.</summary>
    /// <param name="who">Null: nobody said.</param>
    /// <param name="leases">For commands that concern the keys of a lease.</param>
    /// <returns>Null: it may be done; or why not.</returns>
    public static StoreError? Check(AuthTable table, Principal? who, Command command, LeaseTable leases)
    {
        if (!table.IsEnabled || who is { IsCluster: true })
        {
            return null;
        }
        return command switch
        {
            // No client can ask for these: nodes propose them, each on its own.
            Command.Barrier or Command.Register or Command.Close or Command.Found or Command.SnapshotTaken
                or Command.ClusterVersion or Command.LeaseExpire or Command.LeaseCheckpoint => null,
            Command.Set set => CheckWrite(table, who, set.Key.Span, []),
            Command.Get get => CheckRead(table, who, get.Key.Span, []),
            Command.Del del => CheckWrite(table, who, del.Key.Span, []),
            // Which range of it the user wants to see is not in the log: the answering node checks that.
            Command.Print or Command.LeaseGrant => CheckUser(table, who),
            Command.LeaseRevoke revoke => CheckUser(table, who)
                ?? CheckLease(table, who, revoke.LeaseId, leases),
            Command.LeaseRenew renew => CheckUser(table, who)
                ?? CheckLease(table, who, renew.LeaseId, leases),
            Command.Put or Command.DeleteRange or Command.Range or Command.Txn => CheckKeys(
                table, who, command, leases),
            _ => CheckRoot(table, who),
        };
    }

    /// <summary>The user may read every key of the range.</summary>
    /// <param name="rangeEnd">As <see cref="RangeQuery.RangeEnd"/>.</param>
    /// <returns>Null: yes; or why not.</returns>
    public static StoreError? CheckRead(
        AuthTable table, Principal? who, ReadOnlySpan<byte> key, ReadOnlySpan<byte> rangeEnd) =>
        IsFree(table, who) ? null
        : Identify(table, who, StoreError.PermissionDenied, out AuthUser? user) is { } nobody ? nobody
        : user!.IsRoot || table.RangesOf(user).Read.Covers(key, rangeEnd) ? null
        : StoreError.PermissionDenied;

    /// <summary>The user may write every key of the range.</summary>
    /// <inheritdoc cref="CheckRead"/>
    public static StoreError? CheckWrite(
        AuthTable table, Principal? who, ReadOnlySpan<byte> key, ReadOnlySpan<byte> rangeEnd) =>
        IsFree(table, who) ? null
        : Identify(table, who, StoreError.PermissionDenied, out AuthUser? user) is { } nobody ? nobody
        : user!.IsRoot || table.RangesOf(user).Write.Covers(key, rangeEnd) ? null
        : StoreError.PermissionDenied;

    /// <summary>The user has the role root.</summary>
    /// <returns>Null: yes; or why not.</returns>
    public static StoreError? CheckRoot(AuthTable table, Principal? who) =>
        IsFree(table, who) ? null
        : Identify(table, who, StoreError.UserNotFound, out AuthUser? user) is { } nobody ? nobody
        : user!.IsRoot ? null
        : StoreError.PermissionDenied;

    /// <summary>There is such a user.</summary>
    /// <returns>Null: yes; or why not.</returns>
    public static StoreError? CheckUser(AuthTable table, Principal? who) =>
        IsFree(table, who) ? null : Identify(table, who, StoreError.PermissionDenied, out _);

    // etcd refuses whatever was asked before any change of users. Here it has to be a change that made the
    // user another one: what it may do is looked up in this very table anyway.
    private static StoreError? Identify(
        AuthTable table, Principal? who, StoreError unknown, out AuthUser? user)
    {
        user = null;
        return who is null ? StoreError.UserNameEmpty
            : !table.Users.TryGetValue(who.User, out user) ? unknown
            : user.TokenRevision > who.AuthRevision ? StoreError.AuthRevisionOld
            : null;
    }

    private static bool IsFree(AuthTable table, Principal? who) =>
        !table.IsEnabled || who is { IsCluster: true };

    private static StoreError? CheckKeys(
        AuthTable table, Principal? who, Command command, LeaseTable leases) => command switch
    {
        Command.Put put => CheckWrite(table, who, put.Key.Span, [])
            // Whoever cannot revoke a lease is to hang nothing on it.
            ?? CheckLease(table, who, put.LeaseId, leases)
            ?? (put.Options.HasFlag(PutOptions.WithPrevious)
                ? CheckRead(table, who, put.Key.Span, [])
                : null),
        Command.DeleteRange deletion =>
            CheckWrite(table, who, deletion.Key.Span, deletion.RangeEnd.Span)
            ?? (deletion.WithPrevious
                ? CheckRead(table, who, deletion.Key.Span, deletion.RangeEnd.Span)
                : null),
        Command.Range { Query: var query } => CheckRead(table, who, query.Key.Span, query.RangeEnd.Span),
        Command.Txn txn => CheckTxn(table, who, txn, leases),
        _ => StoreError.PermissionDenied,
    };

    private static StoreError? CheckTxn(AuthTable table, Principal? who, Command.Txn txn, LeaseTable leases)
    {
        foreach (TxnCompare compare in txn.Compares)
        {
            if (CheckRead(table, who, compare.Key.Span, compare.RangeEnd.Span) is { } denied)
            {
                return denied;
            }
        }
        foreach (Command command in txn.Success.Concat(txn.Failure))
        {
            if (CheckKeys(table, who, command, leases) is { } denied)
            {
                return denied;
            }
        }
        // Without anything to check it still takes somebody to ask.
        return CheckUser(table, who);
    }

    private static StoreError? CheckLease(
        AuthTable table, Principal? who, long leaseId, LeaseTable leases)
    {
        if (leases.Find(leaseId) is not { } lease || CheckRoot(table, who) is null)
        {
            return null;
        }
        // In no order: the answer is the same whichever key is denied first.
        foreach (byte[] key in lease.KeySet)
        {
            if (CheckWrite(table, who, key, []) is { } denied)
            {
                return denied;
            }
        }
        return null;
    }
}
