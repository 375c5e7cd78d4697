using Kv.Etcd.Tests.Systems;

namespace Kv.Etcd.Tests.Differential;

/// <summary>The same operations on a real etcd and on a candidate get the same answers.</summary>
public sealed class DifferentialTests
{
    private const int Sessions = 4;

    public static TheoryData<string> All => Candidates.All;

    [Theory]
    [MemberData(nameof(All))]
    public async Task One_client_is_answered_as_by_etcd(string name)
    {
        using EtcdSystem etcd = await EtcdProcess.StartAsync();
        using EtcdSystem candidate = await Candidates.StartAsync(name);
        Side reference = await Side.AloneAsync(etcd.Endpoint.AskAsync);
        Side compared = await Side.AloneAsync(candidate.Endpoint.AskAsync);

        string? difference = await FindDifferenceAsync(
            reference, compared, DifferentialSettings.Seed, DifferentialSettings.Operations);

        Assert.Null(difference);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task Concurrent_clients_are_each_answered_as_by_etcd(string name)
    {
        using EtcdSystem etcd = await EtcdProcess.StartAsync();
        using EtcdSystem candidate = await Candidates.StartAsync(name);

        string?[] differences = await Task.WhenAll(Enumerable.Range(1, Sessions).Select(SessionAsync));

        Assert.All(differences, Assert.Null);

        Task<string?> SessionAsync(int session)
        {
            int seed = DifferentialSettings.Seed + session;
            var dice = new Random(seed);
            var requests = new RequestGenerator(
                dice, new KeyPool(dice, $"session{session}/"), alone: false, firstLease: session * 1_000);
            var run = new DifferentialRun(
                seed,
                Side.AmongOthers(etcd.Endpoint.AskAsync),
                Side.AmongOthers(candidate.Endpoint.AskAsync));
            return run.FindDifferenceAsync(requests, DifferentialSettings.Operations / Sessions);
        }
    }

    internal static Task<string?> FindDifferenceAsync(
        Side reference, Side candidate, int seed, int operations)
    {
        var dice = new Random(seed);
        var requests = new RequestGenerator(dice, new KeyPool(dice, ""), alone: true, firstLease: 1_000);
        return new DifferentialRun(seed, reference, candidate).FindDifferenceAsync(requests, operations);
    }
}
