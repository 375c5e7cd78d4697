using Google.Protobuf;
using Grpc.Core;
using Kv.Etcd.Tests.Systems;
using Kv.Protos.Etcd;

namespace Kv.Etcd.Tests.Leases;

/// <summary>The Lock service, as a client uses it that has none of etcd's client libraries.</summary>
public sealed class LockTests
{
    private static readonly ByteString Name = Keys.Of("gate");

    public static TheoryData<string> All => [Candidates.Etcd, Candidates.KvHost];

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_lock_goes_from_one_to_the_next_in_the_order_they_asked(string name)
    {
        using EtcdSystem system = await Candidates.StartAsync(name);
        await GrantAsync(system, 1, 2, 3);
        LockResponse first = await LockAsync(system, 1);

        Task<LockResponse> second = await WaitingAsync(system, 2, keys: 2);
        Task<LockResponse> third = await WaitingAsync(system, 3, keys: 3);
        await UnlockAsync(system, first);
        LockResponse held = await second;
        bool thirdWaited = !third.IsCompleted;
        await UnlockAsync(system, held);
        LockResponse last = await third;

        Assert.True(thirdWaited);
        Assert.Equal(
            ["gate/1", "gate/2", "gate/3"],
            new[] { first, held, last }.Select(static one => Keys.Text(one.Key)));
        Assert.True(first.Header.Revision < held.Header.Revision);
        Assert.True(held.Header.Revision < last.Header.Revision);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task Who_holds_the_lock_gets_it_again_at_once(string name)
    {
        using EtcdSystem system = await Candidates.StartAsync(name);
        await GrantAsync(system, 1);

        LockResponse first = await LockAsync(system, 1);
        LockResponse again = await LockAsync(system, 1);

        Assert.Equal(first.Key, again.Key);
        Assert.Equal(1, await CountAsync(system));
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task Who_gives_up_waiting_leaves_the_queue(string name)
    {
        using EtcdSystem system = await Candidates.StartAsync(name);
        await GrantAsync(system, 1, 2);
        await LockAsync(system, 1);

        using var patience = new CancellationTokenSource();
        Task<LockResponse> waiting = await WaitingAsync(system, 2, keys: 2, patience.Token);
        await patience.CancelAsync();
        await Assert.ThrowsAsync<RpcException>(() => waiting);

        await Eventually.HoldsAsync("one key is left", async () => await CountAsync(system) == 1);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_lock_is_free_when_its_lease_ends(string name)
    {
        using EtcdSystem system = await Candidates.StartAsync(name);
        await GrantAsync(system, 1, 2);
        await LockAsync(system, 1);
        Task<LockResponse> waiting = await WaitingAsync(system, 2, keys: 2);

        await system.Endpoint.Lease.LeaseRevokeAsync(new LeaseRevokeRequest { ID = 1 });

        Assert.Equal("gate/2", Keys.Text((await waiting).Key));
    }

    /// <summary>etcd 3.4 says that the lock is held; since 3.5 it is told so.</summary>
    [Fact]
    public async Task Whose_lease_ends_while_waiting_does_not_get_the_lock()
    {
        using EtcdSystem system = await Candidates.StartAsync(Candidates.KvHost);
        await GrantAsync(system, 1, 2);
        LockResponse held = await LockAsync(system, 1);
        Task<LockResponse> waiting = await WaitingAsync(system, 2, keys: 2);

        await system.Endpoint.Lease.LeaseRevokeAsync(new LeaseRevokeRequest { ID = 2 });
        await UnlockAsync(system, held);

        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => waiting);
        Assert.Equal(
            (StatusCode.Unknown, "mutex: session is expired"), (refused.StatusCode, refused.Status.Detail));
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_lock_on_no_lease_is_refused_and_one_without_gets_a_lease_of_a_minute(string name)
    {
        using EtcdSystem system = await Candidates.StartAsync(name);

        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => LockAsync(system, 99));
        await LockAsync(system, 0);

        Assert.Equal(
            (StatusCode.Unknown, "etcdserver: requested lease not found"),
            (refused.StatusCode, refused.Status.Detail));
        LeaseLeasesResponse leases = await system.Endpoint.Lease.LeaseLeasesAsync(new LeaseLeasesRequest());
        LeaseTimeToLiveResponse left = await system.Endpoint.Lease.LeaseTimeToLiveAsync(
            new LeaseTimeToLiveRequest { ID = Assert.Single(leases.Leases).ID });
        Assert.Equal(60, left.GrantedTTL);
    }

    [Fact]
    public async Task Who_waits_for_longer_than_the_lease_keeps_it()
    {
        using EtcdSystem system = await Candidates.StartAsync(Candidates.KvHost);
        await GrantAsync(system, 1);
        await system.Endpoint.Lease.LeaseGrantAsync(new LeaseGrantRequest { ID = 2, TTL = 2 });
        LockResponse held = await LockAsync(system, 1);
        Task<LockResponse> waiting = await WaitingAsync(system, 2, keys: 2);

        await Task.Delay(TimeSpan.FromSeconds(5));
        await UnlockAsync(system, held);

        Assert.Equal("gate/2", Keys.Text((await waiting).Key));
    }

    private static async Task GrantAsync(EtcdSystem system, params long[] ids)
    {
        foreach (long id in ids)
        {
            await system.Endpoint.Lease.LeaseGrantAsync(new LeaseGrantRequest { ID = id, TTL = 300 });
        }
    }

    private static async Task<LockResponse> LockAsync(
        EtcdSystem system, long lease, CancellationToken cancellation = default) =>
        await system.Endpoint.Lock.LockAsync(
            new LockRequest { Name = Name, Lease = lease }, cancellationToken: cancellation);

    private static async Task<Task<LockResponse>> WaitingAsync(
        EtcdSystem system, long lease, int keys, CancellationToken cancellation = default)
    {
        Task<LockResponse> waiting = LockAsync(system, lease, cancellation);
        await Eventually.HoldsAsync("it waits", async () => await CountAsync(system) == keys);
        return waiting;
    }

    private static async Task UnlockAsync(EtcdSystem system, LockResponse held) =>
        await system.Endpoint.Lock.UnlockAsync(new UnlockRequest { Key = held.Key });

    private static async Task<long> CountAsync(EtcdSystem system) => (await system.Endpoint.Kv.RangeAsync(
        new RangeRequest
        {
            Key = Name,
            RangeEnd = Keys.Of(Keys.EndOfPrefix(Keys.Text(Name))),
            CountOnly = true,
        })).Count;
}
