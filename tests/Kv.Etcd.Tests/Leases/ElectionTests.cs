using Google.Protobuf;
using Grpc.Core;
using Kv.Etcd.Tests.Systems;
using Kv.Protos.Etcd;

namespace Kv.Etcd.Tests.Leases;

/// <summary>The Election service.</summary>
public sealed class ElectionTests
{
    private static readonly ByteString Name = Keys.Of("post");

    public static TheoryData<string> All => [Candidates.Etcd, Candidates.KvHost];

    [Theory]
    [MemberData(nameof(All))]
    public async Task The_first_candidate_leads_until_it_resigns_and_then_the_next(string name)
    {
        using EtcdSystem system = await Candidates.StartAsync(name);
        await GrantAsync(system, 1, 2);
        CampaignResponse first = await CampaignAsync(system, 1, "one");
        Task<CampaignResponse> waiting = CampaignAsync(system, 2, "two");
        await Eventually.HoldsAsync("both are candidates", async () => await CountAsync(system) == 2);

        string led = await LeaderAsync(system);
        await system.Endpoint.Election.ResignAsync(new ResignRequest { Leader = first.Leader });
        CampaignResponse second = await waiting;

        Assert.Equal(("one", "two"), (led, await LeaderAsync(system)));
        Assert.Equal(("post/1", "post/2"), (Keys.Text(first.Leader.Key), Keys.Text(second.Leader.Key)));
        Assert.True(first.Leader.Rev < second.Leader.Rev);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task Who_observes_is_told_each_leader_and_what_it_proclaims(string name)
    {
        using EtcdSystem system = await Candidates.StartAsync(name);
        await GrantAsync(system, 1, 2);
        using AsyncServerStreamingCall<LeaderResponse> observing =
            system.Endpoint.Election.Observe(new LeaderRequest { Name = Name });

        CampaignResponse first = await CampaignAsync(system, 1, "one");
        string one = await NextAsync(observing);
        await system.Endpoint.Election.ProclaimAsync(
            new ProclaimRequest { Leader = first.Leader, Value = Keys.Of("still one") });
        string still = await NextAsync(observing);
        Task<CampaignResponse> waiting = CampaignAsync(system, 2, "two");
        await system.Endpoint.Lease.LeaseRevokeAsync(new LeaseRevokeRequest { ID = 1 });
        await waiting;
        string two = await NextAsync(observing);

        Assert.Equal(("one", "still one", "two"), (one, still, two));
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_second_campaign_of_the_leader_proclaims_anew(string name)
    {
        using EtcdSystem system = await Candidates.StartAsync(name);
        await GrantAsync(system, 1);
        CampaignResponse first = await CampaignAsync(system, 1, "one");

        CampaignResponse again = await CampaignAsync(system, 1, "other");

        Assert.Equal(first.Leader, again.Leader);
        Assert.Equal("other", await LeaderAsync(system));
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task Who_is_no_leader_is_told_so_in_etcds_words(string name)
    {
        using EtcdSystem system = await Candidates.StartAsync(name);
        await GrantAsync(system, 1);
        var other = new LeaderKey { Name = Name, Key = Keys.Of("post/1"), Rev = 1, Lease = 1 };
        Election.ElectionClient election = system.Endpoint.Election;

        string[] refusals =
        [
            await RefusalAsync(() => election.LeaderAsync(new LeaderRequest { Name = Name }).ResponseAsync),
            await RefusalAsync(() => election.ProclaimAsync(
                new ProclaimRequest { Leader = other }).ResponseAsync),
            await RefusalAsync(() => election.ProclaimAsync(new ProclaimRequest()).ResponseAsync),
            await RefusalAsync(() => election.ResignAsync(new ResignRequest()).ResponseAsync),
            await RefusalAsync(() => CampaignAsync(system, 99, "x")),
        ];
        ResignResponse resigned = await election.ResignAsync(new ResignRequest { Leader = other });

        Assert.Equal(
            [
                "Unknown: election: no leader",
                "Unknown: election: not leader",
                "Unknown: \"leader\" field must be provided",
                "Unknown: \"leader\" field must be provided",
                "Unknown: etcdserver: requested lease not found",
            ],
            refusals);
        Assert.Equal(1, resigned.Header.Revision);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_candidate_that_gives_up_stands_no_more(string name)
    {
        using EtcdSystem system = await Candidates.StartAsync(name);
        await GrantAsync(system, 1, 2);
        await CampaignAsync(system, 1, "one");
        using var patience = new CancellationTokenSource();
        Task<CampaignResponse> waiting = CampaignAsync(system, 2, "two", patience.Token);
        await Eventually.HoldsAsync("both are candidates", async () => await CountAsync(system) == 2);

        await patience.CancelAsync();
        await Assert.ThrowsAsync<RpcException>(() => waiting);

        await Eventually.HoldsAsync("one is left", async () => await CountAsync(system) == 1);
    }

    private static async Task GrantAsync(EtcdSystem system, params long[] ids)
    {
        foreach (long id in ids)
        {
            await system.Endpoint.Lease.LeaseGrantAsync(new LeaseGrantRequest { ID = id, TTL = 300 });
        }
    }

    private static async Task<CampaignResponse> CampaignAsync(
        EtcdSystem system, long lease, string value, CancellationToken cancellation = default) =>
        await system.Endpoint.Election.CampaignAsync(
            new CampaignRequest { Name = Name, Lease = lease, Value = Keys.Of(value) },
            cancellationToken: cancellation);

    private static async Task<string> LeaderAsync(EtcdSystem system)
    {
        LeaderResponse led = await system.Endpoint.Election.LeaderAsync(new LeaderRequest { Name = Name });
        return Keys.Text(led.Kv.Value);
    }

    private static async Task<string> NextAsync(AsyncServerStreamingCall<LeaderResponse> observing)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        Assert.True(await observing.ResponseStream.MoveNext(patience.Token));
        return Keys.Text(observing.ResponseStream.Current.Kv.Value);
    }

    private static async Task<string> RefusalAsync(Func<Task> call)
    {
        RpcException refused = await Assert.ThrowsAsync<RpcException>(call);
        return $"{refused.StatusCode}: {refused.Status.Detail}";
    }

    private static async Task<long> CountAsync(EtcdSystem system) => (await system.Endpoint.Kv.RangeAsync(
        new RangeRequest
        {
            Key = Name,
            RangeEnd = Keys.Of(Keys.EndOfPrefix(Keys.Text(Name))),
            CountOnly = true,
        })).Count;
}
