using System.Diagnostics;
using Kv.Core.Entries;

namespace Kv.Core.Store;

/// <summary>What etcd's KV service does with the keys.</summary>
public sealed partial class KeyValueStore
{
    /// <summary>History before this revision is gone; 0: none is.</summary>
    public long CompactedRevision => _keys.CompactedRevision;

    /// <summary>
    /// Bytes of the keys with their history, as they are counted against a quota. Nodes may differ: what was
    /// compacted is let go little by little.
    /// </summary>
    public long Bytes => _keys.Bytes;

    /// <summary>Of <see cref="Bytes"/>, those of the history.</summary>
    public long HistoryBytes => _keys.Bytes - _keys.LiveBytes;

    /// <summary>
    /// The keys and their history now, for reads at any time on any thread. Writes after it pay for what it
    /// holds; <see cref="KeysNow"/> is free.
    /// </summary>
    public KeyView Keys() => _keys.View();

    /// <summary>As <see cref="Keys"/>, good until the next entry is applied.</summary>
    public KeyView KeysNow() => _keys.Now();

    /// <summary>
    /// Every mutation, from <see cref="CompactedRevision"/> on and perhaps some before. Those of one entry
    /// are there until the next is applied, compacted or not.
    /// </summary>
    public RevisionLogView Mutations => _keys.Mutations;

    /// <summary>The record of a key now; null: there is no such key.</summary>
    public KeyRecord? Find(ReadOnlySpan<byte> key) => _keys.Find(key);

    /// <summary>
    /// Answers a range or a transaction without writes from the present state: <see cref="Reply.Ranged"/>,
    /// <see cref="Reply.TxnDone"/> or <see cref="Reply.Refused"/>.
    /// </summary>
    /// <exception cref="ArgumentException">The command may write.</exception>
    public Reply Read(Command command) => RefusedByAlarm(adds: false) is { } corrupt
        ? Refused(corrupt)
        : command switch
        {
            Command.Range range => ApplyRange(range, withValues: true),
            Command.Txn txn when TxnRules.IsReadOnly(txn) => ApplyTxn(txn, withValues: true),
            _ => throw new ArgumentException($"{command.GetType().Name} may write.", nameof(command)),
        };

    private Reply ApplyKeyCommand(Command command, bool withValues)
    {
        if (command is not Command.Alarm && RefusedByAlarm(adds: false) is { } corrupt)
        {
            return Refused(corrupt);
        }
        Reply reply = command switch
        {
            Command.Put put => ApplyPut(put),
            Command.DeleteRange deletion => ApplyDelete(deletion),
            Command.Range range => ApplyRange(range, withValues),
            Command.Txn txn => ApplyTxn(txn, withValues),
            Command.Compact compact => DoneUnless(_keys.Compact(compact.Revision)),
            Command.Alarm alarm => ApplyAlarm(alarm),
            _ => ApplyLeaseCommand(command),
        };
        return _keys.EndTransaction() ? reply with { Order = ++Order } : reply;
    }

    private Reply ApplyPut(Command.Put put) =>
        RefusedByAlarm(adds: true) is { } alarm ? Refused(alarm)
        : IsTooLarge(put) ? Refused(StoreError.RequestTooLarge)
        : (TxnRules.Check(put) ?? CheckLease(put) ?? CheckKept(put)) is { } error ? Refused(error)
        : DoPut(put);

    private Reply ApplyDelete(Command.DeleteRange deletion) =>
        deletion.Key.IsEmpty ? Refused(StoreError.KeyEmpty)
        : IsTooLarge(deletion) ? Refused(StoreError.RequestTooLarge)
        : DoDelete(deletion);

    private Reply ApplyRange(Command.Range range, bool withValues) =>
        _keys.Now().Check(range.Query) is { } error ? Refused(error) : DoRange(range, withValues);

    private Reply ApplyTxn(Command.Txn txn, bool withValues)
    {
        StoreError? error = IsTooLarge(txn) ? StoreError.RequestTooLarge
            : TxnRules.HasPuts(txn) && RefusedByAlarm(adds: true) is { } alarm ? alarm
            : TxnRules.Check(txn);
        TxnPath? path = error is null ? Decide(txn) : null;
        error ??= CheckPath(path!);
        return error is { } refused ? Refused(refused) : DoTxn(path!, withValues);
    }

    // Compares of nested transactions are decided with all others, before anything is written.
    private TxnPath Decide(Command.Txn txn)
    {
        bool succeeded = txn.Compares.All(Holds);
        IReadOnlyList<Command> commands = succeeded ? txn.Success : txn.Failure;
        return new TxnPath(
            succeeded,
            commands,
            [.. commands.OfType<Command.Txn>().Select(Decide)]);
    }

    private bool Holds(TxnCompare compare)
    {
        if (compare.RangeEnd.IsEmpty)
        {
            return Holds(compare, _keys.Find(compare.Key.Span));
        }
        var range = new RangeQuery(compare.Key, compare.RangeEnd);
        IReadOnlyList<KeyRecord> records = _keys.Now().Range(range).Records;
        return records.Count == 0 ? Holds(compare, null) : records.All(record => Holds(compare, record));
    }

    private static bool Holds(TxnCompare compare, KeyRecord? record)
    {
        if (record is null && compare.Target == CompareTarget.Value)
        {
            return false;
        }
        int difference = compare.Target switch
        {
            CompareTarget.Value => record!.Value.AsSpan().SequenceCompareTo(compare.Value.Span),
            CompareTarget.Version => (record?.Version ?? 0).CompareTo(compare.Number),
            CompareTarget.CreateRevision => (record?.CreateRevision ?? 0).CompareTo(compare.Number),
            CompareTarget.ModRevision => (record?.ModRevision ?? 0).CompareTo(compare.Number),
            CompareTarget.Lease => (record?.LeaseId ?? 0).CompareTo(compare.Number),
            _ => throw new UnreachableException($"Unknown compare target {compare.Target}."),
        };
        return compare.Result switch
        {
            CompareResult.Equal => difference == 0,
            CompareResult.NotEqual => difference != 0,
            CompareResult.Greater => difference > 0,
            CompareResult.Less => difference < 0,
            _ => throw new UnreachableException($"Unknown compare result {compare.Result}."),
        };
    }

    /// <summary>
    /// Against the state before the transaction, puts before ranges, as etcd does: all or nothing is done.
    /// </summary>
    private StoreError? CheckPath(TxnPath path) =>
        FirstError(path, CheckPutOfTxn) ?? FirstError(path, CheckRangeOfTxn);

    private static StoreError? FirstError(TxnPath path, Func<Command, StoreError?> check)
    {
        int nested = 0;
        foreach (Command command in path.Commands)
        {
            StoreError? error = command is Command.Txn
                ? FirstError(path.Nested[nested++], check)
                : check(command);
            if (error is not null)
            {
                return error;
            }
        }
        return null;
    }

    private StoreError? CheckPutOfTxn(Command command) => command is Command.Put put
        ? CheckKept(put) ?? CheckLease(put)
        : null;

    private StoreError? CheckRangeOfTxn(Command command) => command switch
    {
        // Within a transaction etcd takes a negative revision for one that was compacted.
        Command.Range { Query.Revision: < 0 } when CompactedRevision > 0 => StoreError.Compacted,
        Command.Range range => _keys.Now().Check(range.Query),
        _ => null,
    };

    private StoreError? CheckKept(Command.Put put)
    {
        bool keeps = (put.Options & (PutOptions.IgnoreValue | PutOptions.IgnoreLease)) != 0;
        return keeps && _keys.Find(put.Key.Span) is null ? StoreError.KeyNotFound : null;
    }

    private StoreError? CheckLease(Command.Put put) =>
        put.LeaseId != 0 && _leases.Find(put.LeaseId) is null ? StoreError.LeaseNotFound : null;

    private Reply.TxnDone DoTxn(TxnPath path, bool withValues)
    {
        var replies = new Reply[path.Commands.Count];
        int nested = 0;
        for (int i = 0; i < replies.Length; i++)
        {
            replies[i] = path.Commands[i] switch
            {
                Command.Put put => DoPut(put),
                Command.DeleteRange deletion => DoDelete(deletion),
                Command.Range range => DoRange(range, withValues),
                _ => DoTxn(path.Nested[nested++], withValues),
            };
        }
        return new Reply.TxnDone(path.Succeeded, replies) { Revision = _keys.RevisionNow, Order = 0 };
    }

    private Reply.Stored DoPut(Command.Put put)
    {
        KeyRecord? before = _keys.Find(put.Key.Span);
        byte[] value = put.Options.HasFlag(PutOptions.IgnoreValue) && before is not null
            ? before.Value
            // The entry's bytes are not ours to keep: one small value would hold a whole batch in memory.
            : put.Value.ToArray();
        long lease = put.Options.HasFlag(PutOptions.IgnoreLease) ? before?.LeaseId ?? 0 : put.LeaseId;
        Put(put.Key.Span, value, lease);
        return new Reply.Stored(put.Options.HasFlag(PutOptions.WithPrevious) ? before : null)
        {
            Revision = _keys.RevisionNow,
            Order = 0,
        };
    }

    private Reply.DeletedRange DoDelete(Command.DeleteRange deletion)
    {
        IReadOnlyList<KeyRecord> found = deletion.RangeEnd.IsEmpty
            ? _keys.Find(deletion.Key.Span) is { } record ? [record] : []
            : _keys.Now().Range(new RangeQuery(deletion.Key, deletion.RangeEnd)).Records;
        foreach (KeyRecord one in found)
        {
            Delete(one.Key);
        }
        return new Reply.DeletedRange(found.Count, deletion.WithPrevious ? found : [])
        {
            Revision = _keys.RevisionNow,
            Order = 0,
        };
    }

    private Reply.Ranged DoRange(Command.Range range, bool withValues) =>
        new(withValues ? _keys.Now().Range(range.Query) : null) { Revision = _keys.RevisionNow, Order = 0 };

    private void Put(ReadOnlySpan<byte> key, byte[] ownValue, long leaseId)
    {
        KeyRecord? before = _keys.Put(key, ownValue, leaseId);
        if (before is { LeaseId: not 0 })
        {
            _leases.Detach(before);
        }
        if (leaseId != 0)
        {
            _leases.Attach(_keys.Find(key)!);
        }
    }

    private KeyRecord? Delete(ReadOnlySpan<byte> key)
    {
        KeyRecord? before = _keys.Delete(key);
        if (before is { LeaseId: not 0 })
        {
            _leases.Detach(before);
        }
        return before;
    }

    private bool IsTooLarge(Command command) => CommandCodec.BytesMax(command) > Genesis!.RequestBytesMax;

    /// <summary>The way through a transaction that its compares led to.</summary>
    /// <param name="Nested">One to each transaction among the commands, in their order.</param>
    private sealed record TxnPath(
        bool Succeeded, IReadOnlyList<Command> Commands, IReadOnlyList<TxnPath> Nested);
}
