using Google.Protobuf;
using Grpc.Core;
using Kv.Host.Tests.Hosting;
using Kv.Host.Tests.Wire;
using Kv.Protos.Etcd;

namespace Kv.Host.Tests.Etcd;

/// <summary>
/// What is ours beside etcd's own semantics, which the differential tests compare operation by operation.
/// </summary>
public sealed class KvTests(EmbeddedCluster cluster) : EtcdTest(cluster)
{
    private const string RequestIdKey = "request-id";

    [Fact]
    public async Task A_put_is_read_at_every_node_with_equal_revisions()
    {
        PutResponse put = await PutAsync("a", "1", node: 2);

        RangeResponse[] ranges = await Task.WhenAll(Enumerable.Range(1, 3).Select(async node =>
            await Kv(node).RangeAsync(new RangeRequest { Key = Key("a") })));

        Assert.All(ranges, range => Assert.Equal(put.Header.Revision, range.Kvs.Single().ModRevision));
        Assert.Single(ranges.Select(static range => range.Header.ClusterId).Distinct());
        Assert.Equal(3, ranges.Select(static range => range.Header.MemberId).Distinct().Count());
        Assert.All(ranges, static range => Assert.Equal(1UL, range.Header.RaftTerm));
    }

    [Fact]
    public async Task Both_apis_see_the_same_keys()
    {
        await Cluster.Wire().CallAsync("Set", $"{{\"key\": \"{Prefix}a\", \"value\": {{\"b\": 1}}}}");
        await PutAsync("b", "no JSON");

        RangeResponse range = await Kv().RangeAsync(new RangeRequest { Key = Key("a") });

        Assert.Equal("{\"b\": 1}", range.Kvs.Single().Value.ToStringUtf8());
        WireAnswer got = await Cluster.Wire(2).CallAsync("Get", $$"""{"key": "{{Prefix}}b"}""");
        Assert.Equal("\"no JSON\"", got.Text("local_value"));
    }

    [Fact]
    public async Task A_txn_made_again_with_its_request_id_has_its_first_answer()
    {
        var txn = new TxnRequest
        {
            Compare =
            {
                new Compare
                {
                    Key = Key("a"),
                    Target = Compare.Types.CompareTarget.Create,
                    CreateRevision = 0,
                },
            },
            Success = { new RequestOp { RequestPut = new PutRequest { Key = Key("a") } } },
        };
        var named = new Metadata { { RequestIdKey, Guid.NewGuid().ToString("N") } };

        TxnResponse first = await Kv(1).TxnAsync(txn, named);
        TxnResponse again = await Kv(2).TxnAsync(txn, named);
        TxnResponse anew = await Kv(2).TxnAsync(txn);

        Assert.Equal(
            (true, true, false), (first.Succeeded, again.Succeeded, anew.Succeeded));
        Assert.Equal(first.Header.Revision, again.Header.Revision);
    }

    [Fact]
    public async Task A_result_with_records_is_not_kept_for_a_repetition()
    {
        await PutAsync("a", "1");
        var put = new PutRequest { Key = Key("a"), PrevKv = true };
        var named = new Metadata { { RequestIdKey, Guid.NewGuid().ToString("N") } };
        PutResponse first = await Kv().PutAsync(put, named);

        Status again = await RefusedAsync(async () => await Kv(2).PutAsync(put, named));

        Assert.Equal("1", first.PrevKv.Value.ToStringUtf8());
        Assert.Equal(StatusCode.FailedPrecondition, again.StatusCode);
        Assert.Contains("applied before", again.Detail);
    }

    [Fact]
    public async Task A_request_id_that_is_none_is_refused()
    {
        var named = new Metadata { { RequestIdKey, "seven" } };

        Status refused = await RefusedAsync(
            async () => await Kv().PutAsync(new PutRequest { Key = Key("a") }, named));

        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
        Assert.Contains(RequestIdKey, refused.Detail);
    }

    [Fact]
    public async Task A_put_beyond_the_request_limit_is_refused_as_by_etcd()
    {
        var put = new PutRequest { Key = Key("a"), Value = ByteString.CopyFrom(new byte[1_572_864]) };

        Status refused = await RefusedAsync(async () => await Kv().PutAsync(put));

        Assert.Equal(
            (StatusCode.InvalidArgument, "etcdserver: request is too large"),
            (refused.StatusCode, refused.Detail));
    }

    [Fact]
    public async Task A_streamed_range_merges_to_the_whole()
    {
        for (int i = 0; i < 5; i++)
        {
            await Kv().PutAsync(new PutRequest
            {
                Key = Key($"{i}"),
                Value = ByteString.CopyFrom(new byte[50_000]),
            });
        }
        var request = new RangeRequest { Key = Key(""), RangeEnd = Key("a"), Limit = 4 };
        RangeResponse whole = await Kv().RangeAsync(request);
        var merged = new RangeResponse();
        int parts = 0;

        using AsyncServerStreamingCall<RangeStreamResponse> call = Kv().RangeStream(request);
        await foreach (RangeStreamResponse part in call.ResponseStream.ReadAllAsync())
        {
            merged.MergeFrom(part.RangeResponse);
            parts++;
        }

        Assert.Equal((whole.Kvs, 5L, true), (merged.Kvs, merged.Count, merged.More));
        Assert.Equal(3, parts);
    }
}
