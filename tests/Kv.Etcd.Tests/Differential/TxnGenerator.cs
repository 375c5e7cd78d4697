using Google.Protobuf;
using Kv.Protos.Etcd;

namespace Kv.Etcd.Tests.Differential;

/// <summary>
/// Puts, ranges and transactions by chance. Left out is what makes etcd 3.4 end (a put with ignore_value
/// behind a delete of the same transaction, an unknown sort target) and what it lets through by mistake (a
/// delete without an end beside a put: its check for duplicate keys takes the missing end for an early one).
/// </summary>
internal sealed class TxnGenerator(Random dice, KeyPool keys, long firstLease)
{
    private const int DepthMax = 3;
    private const int OpsMax = 128;

    /// <summary>A lease id the client chooses, a server's choice, or one that nobody has.</summary>
    public long LeaseId() => dice.Next(10) switch
    {
        < 6 => firstLease + dice.Next(4),
        < 9 => LeaseMap.FirstToken + dice.Next(4),
        _ => firstLease + 99,
    };

    public PutRequest Put(bool alsoWrong, bool ignoring = true)
    {
        var put = new PutRequest { Key = keys.Key(), Value = keys.Value(), PrevKv = dice.Next(3) == 0 };
        if (dice.Next(4) == 0)
        {
            put.Lease = LeaseId();
        }
        if (ignoring && dice.Next(6) == 0)
        {
            put.IgnoreValue = true;
            put.Value = alsoWrong && dice.Next(4) == 0 ? put.Value : ByteString.Empty;
        }
        if (ignoring && dice.Next(6) == 0)
        {
            put.IgnoreLease = true;
            put.Lease = alsoWrong && dice.Next(4) == 0 ? put.Lease : 0;
        }
        if (alsoWrong && dice.Next(40) == 0)
        {
            put.Key = ByteString.Empty;
        }
        return put;
    }

    public RangeRequest Range(long latest, bool withPast)
    {
        (ByteString key, ByteString end) = keys.Range();
        var range = new RangeRequest
        {
            Key = dice.Next(50) == 0 ? ByteString.Empty : key,
            RangeEnd = end,
            Limit = dice.Next(3) == 0 ? dice.Next(-1, 6) : 0,
            SortOrder = (RangeRequest.Types.SortOrder)dice.Next(3),
            SortTarget = (RangeRequest.Types.SortTarget)(dice.Next(2) == 0 ? dice.Next(5) : 0),
            KeysOnly = dice.Next(6) == 0,
            CountOnly = dice.Next(8) == 0,
            Serializable = dice.Next(4) == 0,
        };
        if (withPast && dice.Next(3) == 0)
        {
            range.Revision = Revision(latest);
        }
        if (dice.Next(4) == 0)
        {
            range.MinModRevision = dice.Next(2) * Near(latest);
            range.MaxModRevision = dice.Next(2) * Near(latest);
            range.MinCreateRevision = dice.Next(2) * Near(latest);
            range.MaxCreateRevision = dice.Next(2) * Near(latest);
        }
        return range;
    }

    /// <summary>A transaction of a few levels; some are too long, or have an empty operation.</summary>
    public TxnRequest Txn(long latest)
    {
        TxnRequest txn = Txn(latest, 1, deleting: dice.Next(2) == 0);
        if (dice.Next(30) == 0)
        {
            var op = new RequestOp { RequestRange = Range(latest, withPast: false) };
            (dice.Next(2) == 0 ? txn.Success : txn.Failure).AddRange(Enumerable.Repeat(op, OpsMax + 1));
        }
        return txn;
    }

    // Either deletes or puts that rely on what is there: see above.
    private TxnRequest Txn(long latest, int depth, bool deleting)
    {
        var txn = new TxnRequest();
        for (int i = dice.Next(3); i > 0; i--)
        {
            txn.Compare.Add(Compare(latest));
        }
        for (int i = dice.Next(4); i > 0; i--)
        {
            txn.Success.Add(Op(latest, depth, deleting));
        }
        for (int i = dice.Next(3); i > 0; i--)
        {
            txn.Failure.Add(Op(latest, depth, deleting));
        }
        return txn;
    }

    private RequestOp Op(long latest, int depth, bool deleting) => dice.Next(20) switch
    {
        < 9 => new RequestOp { RequestPut = Put(alsoWrong: dice.Next(8) == 0, ignoring: !deleting) },
        < 13 when deleting => new RequestOp { RequestDeleteRange = Delete() },
        < 17 => new RequestOp { RequestRange = Range(latest, withPast: dice.Next(6) == 0) },
        < 19 when depth < DepthMax => new RequestOp { RequestTxn = Txn(latest, depth + 1, deleting) },
        19 when dice.Next(10) == 0 => new RequestOp(),
        _ => new RequestOp { RequestPut = Put(alsoWrong: false, ignoring: !deleting) },
    };

    private DeleteRangeRequest Delete()
    {
        (ByteString key, ByteString end) = dice.Next(3) == 0
            ? keys.RangeWithEnd()
            : (keys.Key(), ByteString.Empty);
        return new DeleteRangeRequest { Key = key, RangeEnd = end, PrevKv = dice.Next(2) == 0 };
    }

    private Compare Compare(long latest)
    {
        var compare = new Compare
        {
            Key = dice.Next(60) == 0 ? ByteString.Empty : keys.Key(),
            Result = (Compare.Types.CompareResult)dice.Next(4),
            Target = (Compare.Types.CompareTarget)dice.Next(5),
        };
        if (dice.Next(4) == 0)
        {
            (compare.Key, compare.RangeEnd) = keys.Range();
        }
        // Sometimes what is compared is not what the target says, or is not there: both count as nothing.
        int given = dice.Next(12) == 0 ? dice.Next(6) : (int)compare.Target;
        switch (given)
        {
            case 0:
                compare.Version = dice.Next(4);
                break;
            case 1:
                compare.CreateRevision = dice.Next(3) == 0 ? 0 : Near(latest);
                break;
            case 2:
                compare.ModRevision = dice.Next(3) == 0 ? 0 : Near(latest);
                break;
            case 3:
                compare.Value = keys.Value();
                break;
            case 4:
                compare.Lease = dice.Next(2) == 0 ? 0 : LeaseId();
                break;
        }
        return compare;
    }

    // Old ones, the last, one to come, and what is below all.
    private long Revision(long latest) => dice.Next(8) switch
    {
        0 => latest + 1,
        1 => -1,
        2 => Math.Max(1, latest / 3),
        _ => Near(latest),
    };

    private long Near(long latest) => Math.Max(1, latest - dice.Next(12));
}
