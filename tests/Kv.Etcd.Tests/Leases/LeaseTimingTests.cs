using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using Kv.Etcd.Tests.Systems;
using Kv.Protos.Etcd;

namespace Kv.Etcd.Tests.Leases;

/// <summary>When leases end, as their clients see it.</summary>
public sealed class LeaseTimingTests
{
    private static readonly ByteString Key = Keys.Of("leased");

    public static TheoryData<string> All => [Candidates.Etcd, Candidates.KvHost];

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_lease_takes_its_keys_with_it_and_not_before_its_time(string name)
    {
        using EtcdSystem system = await Candidates.StartAsync(name);
        EtcdEndpoint server = system.Endpoint;
        LeaseGrantResponse granted = await server.Lease.LeaseGrantAsync(new LeaseGrantRequest { TTL = 2 });
        var sinceGranted = Stopwatch.StartNew();
        await server.Kv.PutAsync(new PutRequest { Key = Key, Lease = granted.ID });

        await GoneAsync(server);

        Assert.True(sinceGranted.ElapsedMilliseconds >= 2_000, $"{sinceGranted.ElapsedMilliseconds} ms");
        LeaseTimeToLiveResponse left = await server.Lease.LeaseTimeToLiveAsync(
            new LeaseTimeToLiveRequest { ID = granted.ID });
        Assert.Equal(-1, left.TTL);
    }

    [Fact]
    public async Task A_node_that_was_suspended_hears_the_keep_alives_that_waited_first()
    {
        using EtcdSystem system = await Candidates.StartAsync(Candidates.KvHost);
        EtcdEndpoint server = system.Endpoint;
        LeaseGrantResponse granted = await server.Lease.LeaseGrantAsync(new LeaseGrantRequest { TTL = 3 });
        await server.Kv.PutAsync(new PutRequest { Key = Key, Lease = granted.ID });
        using AsyncDuplexStreamingCall<LeaseKeepAliveRequest, LeaseKeepAliveResponse> keeping =
            server.Lease.LeaseKeepAlive();

        await system.SuspendAsync();
        await keeping.RequestStream.WriteAsync(new LeaseKeepAliveRequest { ID = granted.ID });
        await Task.Delay(TimeSpan.FromSeconds(6));
        system.Continue();
        bool hasAnswer = await keeping.ResponseStream.MoveNext(CancellationToken.None);
        var sinceAnswer = Stopwatch.StartNew();

        Assert.True(hasAnswer);
        Assert.InRange(keeping.ResponseStream.Current.TTL, 1, 3);
        await GoneAsync(server);
        Assert.True(
            sinceAnswer.ElapsedMilliseconds >= keeping.ResponseStream.Current.TTL * 1_000,
            $"{sinceAnswer.ElapsedMilliseconds} ms");
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task Keep_alives_of_many_leases_on_one_stream_are_answered_in_their_order(string name)
    {
        const int Leases = 600;
        using EtcdSystem system = await Candidates.StartAsync(name);
        LeaseGrantResponse[] granted = await Task.WhenAll(Enumerable.Range(1, Leases).Select(
            id => system.Endpoint.Lease.LeaseGrantAsync(
                new LeaseGrantRequest { ID = id, TTL = 600 }).ResponseAsync));
        using AsyncDuplexStreamingCall<LeaseKeepAliveRequest, LeaseKeepAliveResponse> keeping =
            system.Endpoint.Lease.LeaseKeepAlive();

        Task asking = Task.Run(async () =>
        {
            foreach (LeaseGrantResponse one in granted)
            {
                await keeping.RequestStream.WriteAsync(new LeaseKeepAliveRequest { ID = one.ID });
            }
            await keeping.RequestStream.WriteAsync(new LeaseKeepAliveRequest { ID = Leases + 1 });
            await keeping.RequestStream.CompleteAsync();
        });
        List<LeaseKeepAliveResponse> answers = [];
        await foreach (LeaseKeepAliveResponse answer in keeping.ResponseStream.ReadAllAsync())
        {
            answers.Add(answer);
        }
        await asking;

        Assert.Equal(Enumerable.Range(1, Leases + 1), answers.Select(static answer => (int)answer.ID));
        Assert.All(answers[..^1], static answer => Assert.InRange(answer.TTL, 500, 600));
        Assert.Equal(0, answers[^1].TTL);
    }

    private static Task GoneAsync(EtcdEndpoint server) => Eventually.HoldsAsync(
        "the key is gone with its lease",
        async () => (await server.Kv.RangeAsync(new RangeRequest { Key = Key })).Count == 0);
}
