using Google.Protobuf;
using Grpc.Core;
using Kv.Actors.Nodes;
using Kv.Core.Entries;
using Kv.Core.Store;
using Kv.Core.Watch;
using Kv.Host.Grpc;
using Kv.Protos.Etcd;

namespace Kv.Host.Etcd;

/// <summary>
/// etcd's Election service. A candidate's key is on a lease; the one created first is the leader's, and its
/// value is what the leader proclaims.
/// </summary>
internal sealed class EtcdElectionService(EtcdEdge edge, TurnQueue turns) : Election.ElectionBase
{
    public override Task<CampaignResponse> Campaign(CampaignRequest request, ServerCallContext context) =>
        AsWithinServer(async () =>
        {
            TurnQueue.Place place = await turns.EnterAsync(
                context, request.Name.Memory, request.Lease, request.Value.Memory);
            if (place.Value is { } said && !request.Value.Span.SequenceEqual(said))
            {
                await ProclaimAsync(context, place.Key, place.Revision, place.LeaseId, request.Value);
            }
            if (!place.IsFirst && await turns.AwaitTurnAsync(context, place) is null)
            {
                throw new RpcException(EtcdErrors.ElectionNotLeader);
            }
            return new CampaignResponse
            {
                Header = edge.Header(context, place.Entered),
                Leader = new LeaderKey
                {
                    Name = request.Name,
                    Key = UnsafeByteOperations.UnsafeWrap(place.Key),
                    Rev = place.Revision,
                    Lease = place.LeaseId,
                },
            };
        });

    public override Task<ProclaimResponse> Proclaim(ProclaimRequest request, ServerCallContext context) =>
        AsWithinServer(async () =>
        {
            LeaderKey leader = Given(request.Leader);
            long revision = await ProclaimAsync(
                context, leader.Key.Memory, leader.Rev, leader.Lease, request.Value);
            return new ProclaimResponse { Header = edge.Header(context, revision) };
        });

    public override Task<ResignResponse> Resign(ResignRequest request, ServerCallContext context) =>
        AsWithinServer(async () =>
        {
            // Who is no leader has nothing to resign from, and is told nothing else.
            LeaderKey leader = Given(request.Leader);
            Reply reply = await turns.IfCreatedAtAsync(
                context,
                leader.Key.Memory,
                leader.Rev,
                new Command.DeleteRange(leader.Key.Memory, default));
            return new ResignResponse { Header = edge.Header(context, reply.Revision) };
        });

    public override Task<LeaderResponse> Leader(LeaderRequest request, ServerCallContext context) =>
        AsWithinServer(async () =>
        {
            (KeyRecord? first, long revision) = await turns.FirstAsync(context, request.Name.Memory);
            return first is not null
                ? Led(context, first, revision)
                : throw new RpcException(EtcdErrors.ElectionNoLeader);
        });

    public override async Task Observe(
        LeaderRequest request,
        IServerStreamWriter<LeaderResponse> responseStream,
        ServerCallContext context)
    {
        try
        {
            while (true)
            {
                (KeyRecord? leader, long revision) = await turns.FirstAsync(context, request.Name.Memory);
                leader ??= await FirstCandidateAsync(context, request.Name.Memory, revision);
                if (leader is null)
                {
                    continue;
                }
                revision = Math.Max(revision, leader.ModRevision);
                await responseStream.WriteAsync(Led(context, leader, revision));
                await TellUntilGoneAsync(context, leader.Key, revision, responseStream);
            }
        }
        catch (KvException error)
        {
            throw ErrorTable.ToRpc(error);
        }
        catch (RpcException refused)
        {
            throw EtcdErrors.WithinServer(refused);
        }
    }

    /// <returns>Null: look once more.</returns>
    private async Task<KeyRecord?> FirstCandidateAsync(
        ServerCallContext call, ReadOnlyMemory<byte> name, long revision)
    {
        await using KeyEvents puts = await KeyEvents.OpenAsync(
            edge.NodeOf(call), TurnQueue.KeysOf(name), revision + 1, call.CancellationToken);
        return await puts.NextAsync(call.CancellationToken) is [var first, ..] ? first.Record : null;
    }

    private async Task TellUntilGoneAsync(
        ServerCallContext call,
        byte[] key,
        long revision,
        IServerStreamWriter<LeaderResponse> responses)
    {
        await using KeyEvents events = await KeyEvents.OpenAsync(
            edge.NodeOf(call), new WatchedKeys(new RangeQuery(key)), revision + 1, call.CancellationToken);
        while (await events.NextAsync(call.CancellationToken) is { Count: > 0 } next)
        {
            foreach (WatchEvent one in next)
            {
                if (one.Record.IsDeleted)
                {
                    return;
                }
                await responses.WriteAsync(Led(call, one.Record, one.Revision));
            }
        }
    }

    private async Task<long> ProclaimAsync(
        ServerCallContext call, ReadOnlyMemory<byte> key, long revision, long leaseId, ByteString value)
    {
        Reply.TxnDone done = await turns.IfCreatedAtAsync(
            call, key, revision, new Command.Put(key, value.Memory, leaseId));
        return done.Succeeded ? done.Revision : throw new RpcException(EtcdErrors.ElectionNotLeader);
    }

    private LeaderResponse Led(ServerCallContext call, KeyRecord leader, long revision) => new()
    {
        Header = edge.Header(call, revision),
        Kv = EtcdMessages.ToMessage(leader),
    };

    private static LeaderKey Given(LeaderKey? leader) =>
        leader ?? throw new RpcException(EtcdErrors.MissingLeaderKey);

    private static async Task<TResponse> AsWithinServer<TResponse>(Func<Task<TResponse>> answer)
    {
        try
        {
            return await answer();
        }
        catch (RpcException refused)
        {
            throw EtcdErrors.WithinServer(refused);
        }
    }
}
