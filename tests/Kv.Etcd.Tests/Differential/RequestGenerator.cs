using Google.Protobuf;
using Kv.Protos.Etcd;

namespace Kv.Etcd.Tests.Differential;

/// <summary>
/// Operations by chance, the same for the same seed and the same answers: with every option, and wrong in
/// every way that is answered.
/// </summary>
/// <param name="dice">Seeded.</param>
/// <param name="keys">Of the same dice.</param>
/// <param name="alone">Nobody else writes: compactions and lists of all leases have a known outcome.</param>
/// <param name="firstLease">The lowest of the few lease ids this client chooses.</param>
internal sealed class RequestGenerator(Random dice, KeyPool keys, bool alone, long firstLease)
{
    private const int LeaseIds = 4;

    // Far beyond any run: none expires while it is compared. The shortest are in the etcdctl sessions.
    private static readonly long[] Ttls = [3_600, 7_200, 100_000, 9_000_000_000];

    private readonly TxnGenerator _txns = new(dice, keys, firstLease);

    /// <summary>The next operation.</summary>
    /// <param name="latest">Handle of the last revision there is.</param>
    public IMessage Next(long latest) => dice.Next(100) switch
    {
        < 24 => _txns.Put(alsoWrong: true),
        < 50 => _txns.Range(latest, withPast: true),
        < 58 => Delete(),
        < 80 => _txns.Txn(latest),
        < 82 when alone => Compact(latest),
        < 88 => Grant(),
        < 92 => new LeaseRevokeRequest { ID = LeaseId() },
        < 97 => new LeaseTimeToLiveRequest { ID = LeaseId(), Keys = dice.Next(2) == 0 },
        < 99 => new LeaseKeepAliveRequest { ID = LeaseId() },
        _ when alone => new LeaseLeasesRequest(),
        _ => _txns.Put(alsoWrong: false),
    };

    private DeleteRangeRequest Delete()
    {
        (ByteString key, ByteString end) = dice.Next(3) == 0 ? keys.Range() : (keys.Key(), ByteString.Empty);
        return new DeleteRangeRequest
        {
            Key = dice.Next(40) == 0 ? ByteString.Empty : key,
            RangeEnd = end,
            PrevKv = dice.Next(2) == 0,
        };
    }

    // Seldom, and mostly far back: what is compacted is history no range can ask for any more.
    private CompactionRequest Compact(long latest) => new()
    {
        Revision = dice.Next(5) switch
        {
            0 => latest + dice.Next(3),
            1 => dice.Next(2),
            _ => Math.Max(1, latest / 2 + dice.Next(-3, 10)),
        },
        Physical = dice.Next(4) == 0,
    };

    private LeaseGrantRequest Grant() => new()
    {
        ID = dice.Next(4) == 0 ? 0 : firstLease + dice.Next(LeaseIds),
        TTL = dice.Next(8) == 0 ? 9_000_000_001 + dice.Next(2) : dice.GetItems(Ttls, 1)[0],
    };

    private long LeaseId() => _txns.LeaseId();
}
