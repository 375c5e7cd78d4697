using System.Diagnostics;
using System.Threading.Channels;
using Google.Protobuf;
using Grpc.Core;
using Kv.Actors.Nodes;
using Kv.Actors.Store;
using Kv.Core.Entries;
using Kv.Core.Store;
using Kv.Host.Grpc;
using Kv.Protos.Etcd;

namespace Kv.Host.Etcd;

/// <summary>etcd's Lease service.</summary>
internal sealed class EtcdLeaseService(EtcdEdge edge) : Lease.LeaseBase
{
    /// <summary>
    /// Keep-alives of one stream that wait for the log together: a client keeps all its leases alive on one.
    /// Beyond, the stream is read no further.
    /// </summary>
    private const int KeepAlivesOfStreamMax = 256;

    /// <summary>Ids tried when the node chooses one; they are random numbers of 63 bits.</summary>
    private const int IdTriesMax = 8;

    /// <summary>What etcd says of the time to live of a lease that is not there, s.</summary>
    private const long NoTimeToLive = -1;

    public override async Task<LeaseGrantResponse> LeaseGrant(
        LeaseGrantRequest request, ServerCallContext context)
    {
        Reply.Leased granted = request.ID != 0
            ? await GrantAsync(edge, context, request.ID, request.TTL)
            : await GrantAsync(edge, context, request.TTL);
        return new LeaseGrantResponse
        {
            Header = edge.Header(context, granted.Revision),
            ID = granted.LeaseId,
            TTL = granted.TtlSeconds,
        };
    }

    /// <summary>Grants a lease under an id that the node chooses.</summary>
    /// <exception cref="RpcException">The store refused it, as etcd says it; or it has no answer.</exception>
    public static async Task<Reply.Leased> GrantAsync(
        EtcdEdge edge, ServerCallContext call, long ttlSeconds)
    {
        if (EtcdEdge.RequestIdOf(call) is { } requestId)
        {
            // A repetition asks for the very same lease.
            return await GrantAsync(edge, call, IdOf(requestId), ttlSeconds);
        }
        for (int tried = 1; ; tried++)
        {
            try
            {
                return await GrantAsync(edge, call, Random.Shared.NextInt64(1, long.MaxValue), ttlSeconds);
            }
            catch (RpcException taken) when (taken.Status.Equals(EtcdErrors.LeaseExist) && tried < IdTriesMax)
            {
                // By chance, or by one who chose his own. Another number is free.
            }
        }
    }

    public override async Task<LeaseRevokeResponse> LeaseRevoke(
        LeaseRevokeRequest request, ServerCallContext context)
    {
        Reply reply = await edge.ExecuteAsync(context, new Command.LeaseRevoke(request.ID));
        return new LeaseRevokeResponse { Header = edge.Header(context, reply.Revision) };
    }

    public override async Task LeaseKeepAlive(
        IAsyncStreamReader<LeaseKeepAliveRequest> requestStream,
        IServerStreamWriter<LeaseKeepAliveResponse> responseStream,
        ServerCallContext context)
    {
        LogNode node = edge.NodeOf(context);
        var answers = Channel.CreateBounded<Task<LeaseKeepAliveResponse>>(KeepAlivesOfStreamMax);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken);
        Task reading = ReadAsync(requestStream, answers.Writer, node, context, ended.Token);
        try
        {
            await foreach (Task<LeaseKeepAliveResponse> answer in answers.Reader.ReadAllAsync(ended.Token))
            {
                await responseStream.WriteAsync(await answer, ended.Token);
            }
        }
        finally
        {
            await ended.CancelAsync();
            await reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public override async Task<LeaseTimeToLiveResponse> LeaseTimeToLive(
        LeaseTimeToLiveRequest request, ServerCallContext context)
    {
        edge.CheckUser(context);
        LogNode node = edge.NodeOf(context);
        bool checksKeys = edge.ChecksUsers(context);
        StoreActor.LeaseSeen seen = await NodeCalls.GuardAsync(
            context, stop => node.DescribeLeaseAsync(request.ID, request.Keys || checksKeys, stop));
        var response = new LeaseTimeToLiveResponse
        {
            Header = EtcdEdge.Header(node, seen.Revision),
            ID = request.ID,
            TTL = NoTimeToLive,
        };
        if (seen.Lease is { } lease)
        {
            foreach (byte[] key in checksKeys ? lease.Keys : [])
            {
                edge.CheckRead(context, key, default);
            }
            // Whole seconds that are left for certain, as etcd counts them: it never says all of them.
            response.TTL = Math.Max(0, lease.RemainingMs - 1) / 1_000;
            response.GrantedTTL = lease.TtlSeconds;
            IReadOnlyList<byte[]> keys = request.Keys ? lease.Keys : [];
            response.Keys.AddRange(keys.Select(static key => UnsafeByteOperations.UnsafeWrap(key)));
        }
        return response;
    }

    public override async Task<LeaseLeasesResponse> LeaseLeases(
        LeaseLeasesRequest request, ServerCallContext context)
    {
        edge.CheckUser(context);
        LogNode node = edge.NodeOf(context);
        StoreActor.LeaseIds all = await NodeCalls.GuardAsync(context, node.ListLeasesAsync);
        var response = new LeaseLeasesResponse { Header = EtcdEdge.Header(node, all.Revision) };
        response.Leases.AddRange(all.Ids.Select(static id => new LeaseStatus { ID = id }));
        return response;
    }

    // One that was granted a while ago, slowly or to a former try of the same request, begins its time anew:
    // the client counts from this answer.
    private static async Task<Reply.Leased> GrantAsync(
        EtcdEdge edge, ServerCallContext call, long id, long ttlSeconds)
    {
        var took = Stopwatch.StartNew();
        Reply reply = await edge.ExecuteAsync(call, new Command.LeaseGrant(id, ttlSeconds));
        LogNode node = edge.NodeOf(call);
        if (took.ElapsedMilliseconds > node.LeaseMarginMs || EtcdEdge.RequestIdOf(call) is not null)
        {
            reply = EtcdEdge.Accepted(
                await NodeCalls.GuardAsync(call, stop => node.KeepAliveAsync(id, stop)));
        }
        return (Reply.Leased)reply;
    }

    private static long IdOf(RequestId requestId) => Math.Max(1, (long)(requestId.Id & long.MaxValue));

    private async Task ReadAsync(
        IAsyncStreamReader<LeaseKeepAliveRequest> requests,
        ChannelWriter<Task<LeaseKeepAliveResponse>> answers,
        LogNode node,
        ServerCallContext call,
        CancellationToken ended)
    {
        try
        {
            while (await requests.MoveNext(ended))
            {
                await answers.WriteAsync(KeepAliveAsync(requests.Current.ID, node, call), ended);
            }
            answers.Complete();
        }
        catch (Exception gone)
        {
            answers.TryComplete(gone);
        }
    }

    private async Task<LeaseKeepAliveResponse> KeepAliveAsync(
        long leaseId, LogNode node, ServerCallContext call)
    {
        await edge.CheckAsync(call, new Command.LeaseRenew(leaseId));
        Reply reply = await NodeCalls.GuardAsync(call, stop => node.KeepAliveAsync(leaseId, stop));
        bool isGone = reply is Reply.Refused { Error: StoreError.LeaseNotFound };
        return new LeaseKeepAliveResponse
        {
            Header = EtcdEdge.Header(node, reply.Revision),
            ID = leaseId,
            // etcd says so of a lease that is not there.
            TTL = isGone ? 0 : ((Reply.Leased)EtcdEdge.Accepted(reply)).TtlSeconds,
        };
    }
}
