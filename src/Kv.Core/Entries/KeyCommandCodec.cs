using System.Diagnostics;
using Kv.Core.Store;

namespace Kv.Core.Entries;

/// <summary>Bodies of etcd's commands as bytes. See docs/formats.md.</summary>
internal static class KeyCommandCodec
{
    // Of numbers and lengths, in any of them but the lists.
    private const int FixedBytesMax = 96;

    /// <summary>An upper bound of the body's bytes.</summary>
    internal static int BytesMax(Command command) => FixedBytesMax + command switch
    {
        Command.Put put => put.Key.Length + put.Value.Length,
        Command.DeleteRange deletion => deletion.Key.Length + deletion.RangeEnd.Length,
        Command.Range { Query: var query } => query.Key.Length + query.RangeEnd.Length,
        Command.Txn txn => txn.Compares.Sum(
                static compare => 32 + compare.Key.Length + compare.RangeEnd.Length + compare.Value.Length)
            + txn.Success.Concat(txn.Failure).Sum(BytesMax),
        Command.LeaseExpire expire => 16 * expire.Leases.Count,
        Command.LeaseCheckpoint checkpoint => 24 * checkpoint.Leases.Count,
        Command.Auth auth => AuthChangeCodec.BytesMax(auth.Change),
        _ => 0,
    };

    internal static CommandKind KindOf(Command command) => command switch
    {
        Command.Put => CommandKind.Put,
        Command.DeleteRange => CommandKind.DeleteRange,
        Command.Txn => CommandKind.Txn,
        Command.Compact => CommandKind.Compact,
        Command.Range => CommandKind.Range,
        Command.LeaseGrant => CommandKind.LeaseGrant,
        Command.LeaseRevoke => CommandKind.LeaseRevoke,
        Command.LeaseRenew => CommandKind.LeaseRenew,
        Command.LeaseExpire => CommandKind.LeaseExpire,
        Command.LeaseCheckpoint => CommandKind.LeaseCheckpoint,
        Command.Alarm => CommandKind.Alarm,
        Command.Auth => CommandKind.Auth,
        _ => throw new UnreachableException($"Unknown command {command.GetType().Name}."),
    };

    internal static void Write(ByteWriter body, Command command)
    {
        switch (command)
        {
            case Command.Put put:
                body.U8((byte)put.Options);
                body.I64(put.LeaseId);
                body.VarBytes(put.Key.Span);
                body.VarBytes(put.Value.Span);
                break;
            case Command.DeleteRange deletion:
                body.U8((byte)(deletion.WithPrevious ? 1 : 0));
                body.VarBytes(deletion.Key.Span);
                body.VarBytes(deletion.RangeEnd.Span);
                break;
            case Command.Range range:
                WriteQuery(body, range.Query);
                break;
            case Command.Txn txn:
                WriteTxn(body, txn);
                break;
            case Command.Compact compact:
                body.I64(compact.Revision);
                break;
            case Command.LeaseGrant grant:
                body.I64(grant.LeaseId);
                body.I64(grant.TtlSeconds);
                break;
            case Command.LeaseRevoke revoke:
                body.I64(revoke.LeaseId);
                break;
            case Command.LeaseRenew renew:
                body.I64(renew.LeaseId);
                break;
            case Command.LeaseExpire expire:
                foreach (LeaseExpiry lease in expire.Leases)
                {
                    body.I64(lease.LeaseId);
                    body.I64(lease.RenewedBehind);
                }
                break;
            case Command.LeaseCheckpoint checkpoint:
                foreach (LeaseRemainder lease in checkpoint.Leases)
                {
                    body.I64(lease.LeaseId);
                    body.I64(lease.RenewedBehind);
                    body.I64(lease.RemainingMs);
                }
                break;
            case Command.Alarm alarm:
                body.U64(alarm.MemberId);
                body.U8((byte)alarm.Kind);
                body.U8((byte)(alarm.IsRaised ? 1 : 0));
                break;
            case Command.Auth auth:
                AuthChangeCodec.Write(body, auth.Change);
                break;
        }
    }

    /// <exception cref="FormatException">The bytes are no command this build knows.</exception>
    internal static Command Read(CommandKind kind, ref ByteReader body, int depth = 1) => kind switch
    {
        CommandKind.Put => ReadPut(ref body),
        CommandKind.DeleteRange => ReadDeletion(ref body),
        CommandKind.Range => new Command.Range(ReadQuery(ref body)),
        CommandKind.Txn => ReadTxn(ref body, depth),
        CommandKind.Compact => new Command.Compact(body.I64()),
        CommandKind.LeaseGrant => new Command.LeaseGrant(body.I64(), body.I64()),
        CommandKind.LeaseRevoke => new Command.LeaseRevoke(body.I64()),
        CommandKind.LeaseRenew => new Command.LeaseRenew(body.I64()),
        CommandKind.LeaseExpire => ReadExpiries(ref body),
        CommandKind.LeaseCheckpoint => ReadRemainders(ref body),
        CommandKind.Alarm => new Command.Alarm(
            body.U64(), Defined((AlarmKind)body.U8()), Flag(body.U8(), 1) == 1),
        CommandKind.Auth => new Command.Auth(AuthChangeCodec.Read(ref body)),
        _ => throw new FormatException($"Command kind {(byte)kind} is from a newer build."),
    };

    private static Command.Put ReadPut(ref ByteReader body)
    {
        var options = (PutOptions)Flag(body.U8(), 7);
        long lease = body.I64();
        return new Command.Put(body.VarBytes(), body.VarBytes(), lease, options);
    }

    private static Command.DeleteRange ReadDeletion(ref ByteReader body)
    {
        bool withPrevious = Flag(body.U8(), 1) == 1;
        return new Command.DeleteRange(body.VarBytes(), body.VarBytes(), withPrevious);
    }

    private static void WriteQuery(ByteWriter body, RangeQuery query)
    {
        body.U8((byte)((query.KeysOnly ? 1 : 0) | (query.CountOnly ? 2 : 0)));
        body.U8((byte)query.Sort);
        body.U8((byte)query.SortTarget);
        body.VarBytes(query.Key.Span);
        body.VarBytes(query.RangeEnd.Span);
        foreach (long number in (ReadOnlySpan<long>)
            [
                query.Limit, query.Revision, query.ModRevisionMin, query.ModRevisionMax,
                query.CreateRevisionMin, query.CreateRevisionMax,
            ])
        {
            body.VarU64((ulong)number);
        }
    }

    private static RangeQuery ReadQuery(ref ByteReader body)
    {
        byte flags = Flag(body.U8(), 3);
        RangeSort sort = Defined((RangeSort)body.U8());
        RangeSortTarget target = Defined((RangeSortTarget)body.U8());
        return new RangeQuery(body.VarBytes(), body.VarBytes())
        {
            KeysOnly = (flags & 1) != 0,
            CountOnly = (flags & 2) != 0,
            Sort = sort,
            SortTarget = target,
            Limit = (long)body.VarU64(),
            Revision = (long)body.VarU64(),
            ModRevisionMin = (long)body.VarU64(),
            ModRevisionMax = (long)body.VarU64(),
            CreateRevisionMin = (long)body.VarU64(),
            CreateRevisionMax = (long)body.VarU64(),
        };
    }

    private static void WriteTxn(ByteWriter body, Command.Txn txn)
    {
        body.VarU64((ulong)txn.Compares.Count);
        foreach (TxnCompare compare in txn.Compares)
        {
            body.VarBytes(compare.Key.Span);
            body.VarBytes(compare.RangeEnd.Span);
            body.U8((byte)compare.Target);
            body.U8((byte)compare.Result);
            body.I64(compare.Number);
            body.VarBytes(compare.Value.Span);
        }
        foreach (IReadOnlyList<Command> commands in (ReadOnlySpan<IReadOnlyList<Command>>)
            [txn.Success, txn.Failure])
        {
            body.VarU64((ulong)commands.Count);
            foreach (Command command in commands)
            {
                body.U8((byte)KindOf(command));
                Write(body, command);
            }
        }
    }

    private static Command.Txn ReadTxn(ref ByteReader body, int depth)
    {
        if (depth > KvLimits.TxnDepthMax)
        {
            throw new FormatException($"Transactions are nested deeper than {KvLimits.TxnDepthMax}.");
        }
        var compares = new TxnCompare[Count(ref body)];
        for (int i = 0; i < compares.Length; i++)
        {
            compares[i] = new TxnCompare(
                body.VarBytes(),
                body.VarBytes(),
                Defined((CompareTarget)body.U8()),
                Defined((CompareResult)body.U8()),
                body.I64(),
                body.VarBytes());
        }
        return new Command.Txn(compares, ReadList(ref body, depth), ReadList(ref body, depth));
    }

    private static Command[] ReadList(ref ByteReader body, int depth)
    {
        var commands = new Command[Count(ref body)];
        for (int i = 0; i < commands.Length; i++)
        {
            var kind = (CommandKind)body.U8();
            commands[i] = kind
                is CommandKind.Put or CommandKind.DeleteRange or CommandKind.Range or CommandKind.Txn
                ? Read(kind, ref body, depth + 1)
                : throw new FormatException($"A transaction has a command of kind {(byte)kind}.");
        }
        return commands;
    }

    private static Command.LeaseExpire ReadExpiries(ref ByteReader body)
    {
        List<LeaseExpiry> leases = [];
        while (body.Left > 0)
        {
            leases.Add(new LeaseExpiry(body.I64(), body.I64()));
        }
        return new Command.LeaseExpire(leases);
    }

    private static Command.LeaseCheckpoint ReadRemainders(ref ByteReader body)
    {
        List<LeaseRemainder> leases = [];
        while (body.Left > 0)
        {
            leases.Add(new LeaseRemainder(body.I64(), body.I64(), body.I64()));
        }
        return new Command.LeaseCheckpoint(leases);
    }

    private static int Count(ref ByteReader body)
    {
        ulong count = body.VarU64();
        return count <= KvLimits.TxnCommandsMax
            ? (int)count
            : throw new FormatException($"A transaction has a list of {count}.");
    }

    private static T Defined<T>(T value) where T : struct, Enum => Enum.IsDefined(value)
        ? value
        : throw new FormatException($"{typeof(T).Name} {value} is from a newer build.");

    private static byte Flag(byte flags, byte known) => (flags & ~known) == 0
        ? flags
        : throw new FormatException($"Flags {flags:x2} are from a newer build.");
}
