using Kv.Etcd.Tests.Systems;

namespace Kv.Etcd.Tests.Differential;

/// <summary>The same operations on a real etcd and on a candidate get the same answers.</summary>
public sealed class DifferentialTests
{
    private const int Sessions = 4;

    private static readonly string[] KindsOfAnswers =
    [
        "CompactionResponse",
        "DeleteRangeResponse",
        "LeaseGrantResponse",
        "LeaseKeepAliveResponse",
        "LeaseLeasesResponse",
        "LeaseRevokeResponse",
        "LeaseTimeToLiveResponse",
        "PutResponse",
        "RangeResponse",
        "Refusal { Code = FailedPrecondition, Text = etcdserver: lease already exists }",
        "Refusal { Code = InvalidArgument, Text = etcdserver: duplicate key given in txn request }",
        "Refusal { Code = InvalidArgument, Text = etcdserver: key is not provided }",
        "Refusal { Code = InvalidArgument, Text = etcdserver: key not found }",
        "Refusal { Code = InvalidArgument, Text = etcdserver: lease is provided }",
        "Refusal { Code = InvalidArgument, Text = etcdserver: too many operations in txn request }",
        "Refusal { Code = InvalidArgument, Text = etcdserver: value is provided }",
        "Refusal { Code = NotFound, Text = etcdserver: requested lease not found }",
        "Refusal { Code = OutOfRange, Text = etcdserver: mvcc: required revision has been compacted }",
        "Refusal { Code = OutOfRange, Text = etcdserver: mvcc: required revision is a future revision }",
        "Refusal { Code = OutOfRange, Text = etcdserver: too large lease TTL }",
        "TxnResponse",
    ];

    public static TheoryData<string> All => Candidates.All;

    [Theory]
    [MemberData(nameof(All))]
    public async Task One_client_is_answered_as_by_etcd(string name)
    {
        using EtcdPair pair = await EtcdPair.StartAsync(name);
        Side reference = await Side.AloneAsync(pair.Etcd.Endpoint.AskAsync);
        Side compared = await Side.AloneAsync(pair.Candidate.Endpoint.AskAsync);

        string? difference = await FindDifferenceAsync(
            reference, compared, DifferentialSettings.Seed, DifferentialSettings.Operations);

        Assert.True(difference is null, difference);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task Concurrent_clients_are_each_answered_as_by_etcd(string name)
    {
        using EtcdPair pair = await EtcdPair.StartAsync(name);

        string?[] differences = await Task.WhenAll(Enumerable.Range(1, Sessions).Select(SessionAsync));

        Assert.True(differences.All(static one => one is null), string.Join('\n', differences));

        Task<string?> SessionAsync(int session)
        {
            int seed = DifferentialSettings.Seed + session;
            var dice = new Random(seed);
            var requests = new RequestGenerator(
                dice, new KeyPool(dice, $"session{session}/"), alone: false, firstLease: session * 1_000);
            var run = new DifferentialRun(
                seed,
                Side.AmongOthers(pair.Etcd.Endpoint.AskAsync),
                Side.AmongOthers(pair.Candidate.Endpoint.AskAsync));
            return run.FindDifferenceAsync(requests, DifferentialSettings.Operations / Sessions);
        }
    }

    [Fact]
    public async Task The_dice_meet_every_kind_of_answer()
    {
        using EtcdSystem etcd = await EtcdProcess.StartAsync();
        Side side = await Side.AloneAsync(etcd.Endpoint.AskAsync);
        RequestGenerator requests = Requests(new Random(7));
        SortedSet<string> met = new(StringComparer.Ordinal);

        for (int i = 0; i < 1_500; i++)
        {
            string answer = await side.AskAsync(requests.Next(side.Translation.Revisions.Latest));
            met.Add(answer.StartsWith("Refusal", StringComparison.Ordinal) ? answer : answer.Split(' ')[0]);
        }

        Assert.Equal(KindsOfAnswers, met);
    }

    internal static Task<string?> FindDifferenceAsync(
        Side reference, Side candidate, int seed, int operations) =>
        new DifferentialRun(seed, reference, candidate)
            .FindDifferenceAsync(Requests(new Random(seed)), operations);

    private static RequestGenerator Requests(Random dice) =>
        new(dice, new KeyPool(dice, ""), alone: true, firstLease: 1_000);
}
