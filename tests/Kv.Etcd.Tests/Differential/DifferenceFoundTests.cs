using Google.Protobuf;
using Grpc.Core;
using Kv.Etcd.Tests.Systems;
using Kv.Protos.Etcd;

namespace Kv.Etcd.Tests.Differential;

/// <summary>The comparison is worth something: one reply altered a little is found.</summary>
public sealed class DifferenceFoundTests(DifferenceFoundTests.Two two)
    : IClassFixture<DifferenceFoundTests.Two>
{
    private const int OperationsMax = 400;

    public static TheoryData<string> Alterations => [.. Planted.Keys];

    private static readonly Dictionary<string, Func<Answer, Answer?>> Planted = new()
    {
        ["a count"] = On<RangeResponse>(static range => range.Count > 1, static range => range.Count--),
        ["a value"] = On<RangeResponse>(
            static range => range.Kvs.Count > 0, static range => range.Kvs[0].Value = Keys.Of("other")),
        ["the order"] = On<RangeResponse>(
            static range => range.Kvs.Count > 1,
            static range => (range.Kvs[0], range.Kvs[1]) = (range.Kvs[1], range.Kvs[0])),
        ["more"] = On<RangeResponse>(static range => range.More, static range => range.More = false),
        ["a create revision"] = On<RangeResponse>(
            static range => range.Kvs.Count > 0, static range => range.Kvs[0].CreateRevision++),
        ["a header's revision"] = On<PutResponse>(static put => true, static put => put.Header.Revision++),
        ["a header without member"] = On<PutResponse>(
            static put => true, static put => put.Header.MemberId = 0),
        ["a previous value left out"] = On<PutResponse>(
            static put => put.PrevKv is not null, static put => put.PrevKv = null),
        ["a transaction's branch"] = On<TxnResponse>(
            static txn => true, static txn => txn.Succeeded = !txn.Succeeded),
        ["a lease's TTL"] = On<LeaseTimeToLiveResponse>(
            static left => left.TTL > 100, static left => left.TTL -= 60),
        ["a lease's keys"] = On<LeaseTimeToLiveResponse>(
            static left => left.Keys.Count > 0, static left => left.Keys.RemoveAt(0)),
        ["an error's code"] = static answer => answer is Answer.Refusal refusal
            ? refusal with { Code = StatusCode.Aborted }
            : null,
        ["an error's text"] = static answer => answer is Answer.Refusal refusal
            ? refusal with { Text = refusal.Text + "." }
            : null,
        ["a refusal that is none"] = static answer => answer is Answer.Refusal
            ? new Answer.Reply(new PutResponse())
            : null,
    };

    [Theory]
    [MemberData(nameof(Alterations))]
    public async Task One_altered_reply_is_found(string alteration)
    {
        bool altered = false;
        await ForgetLeasesAsync(two.Pair.Etcd.Endpoint);
        await ForgetLeasesAsync(two.Pair.Candidate.Endpoint);
        Side reference = await Side.AloneAsync(two.Pair.Etcd.Endpoint.AskAsync);
        Side candidate = await Side.AloneAsync(two.Pair.Candidate.Endpoint.AskAsync);
        candidate = new Side(AskAsync, candidate.Translation);

        string? difference = await DifferentialTests.FindDifferenceAsync(
            reference, candidate, seed: 11, OperationsMax);

        Assert.True(altered, "Nothing was altered.");
        Assert.NotNull(difference);

        async Task<Answer> AskAsync(IMessage request)
        {
            Answer answer = await two.Pair.Candidate.Endpoint.AskAsync(request);
            if (!altered && Planted[alteration](answer) is { } other)
            {
                altered = true;
                return other;
            }
            return answer;
        }
    }

    // Their ids would have no tokens in another run. The keys of the run before are the same on both.
    private static async Task ForgetLeasesAsync(EtcdEndpoint endpoint)
    {
        LeaseLeasesResponse leases = await endpoint.Lease.LeaseLeasesAsync(new LeaseLeasesRequest());
        foreach (LeaseStatus lease in leases.Leases)
        {
            await endpoint.Lease.LeaseRevokeAsync(new LeaseRevokeRequest { ID = lease.ID });
        }
    }

    private static Func<Answer, Answer?> On<T>(Predicate<T> fits, Action<T> alter)
        where T : IMessage => answer =>
    {
        if (answer is not Answer.Reply { Message: T reply } || !fits(reply))
        {
            return null;
        }
        alter(reply);
        return answer;
    };

    /// <summary>Two real etcds.</summary>
    public sealed class Two : IAsyncLifetime
    {
        private EtcdPair? _pair;

        internal EtcdPair Pair => _pair ?? throw new InvalidOperationException("It was not started.");

        public async Task InitializeAsync() => _pair = await EtcdPair.StartAsync(Candidates.Etcd);

        public Task DisposeAsync()
        {
            _pair?.Dispose();
            return Task.CompletedTask;
        }
    }
}
