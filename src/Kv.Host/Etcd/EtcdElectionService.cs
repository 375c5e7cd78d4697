using Google.Protobuf;
using Grpc.Core;
using Kv.Core.Entries;
using Kv.Core.Store;
using Kv.Core.Watch;
using Kv.Protos.Etcd;

namespace Kv.Host.Etcd;

/// <summary>
/// etcd's Election service. A candidate's key is on a lease; the one created first is the leader's, and its
/// value is what the leader proclaims.
/// </summary>
internal sealed class EtcdElectionService(EtcdEdge edge, TurnQueue turns) : Election.ElectionBase
{
    public override Task<CampaignResponse> Campaign(CampaignRequest request, ServerCallContext context) =>
        TurnQueue.AnswerAsync(context, async () =>
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
        TurnQueue.AnswerAsync(context, async () =>
        {
            LeaderKey leader = Given(request.Leader);
            long revision = await ProclaimAsync(
                context, leader.Key.Memory, leader.Rev, leader.Lease, request.Value);
            return new ProclaimResponse { Header = edge.Header(context, revision) };
        });

    public override Task<ResignResponse> Resign(ResignRequest request, ServerCallContext context) =>
        TurnQueue.AnswerAsync(context, async () =>
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
        TurnQueue.AnswerAsync(context, async () =>
        {
            (KeyRecord? first, long revision) = await turns.FirstAsync(context, request.Name.Memory);
            return first is not null
                ? Led(context, first, revision)
                : throw new RpcException(EtcdErrors.ElectionNoLeader);
        });

    public override Task Observe(
        LeaderRequest request,
        IServerStreamWriter<LeaderResponse> responseStream,
        ServerCallContext context) =>
        TurnQueue.AnswerAsync<LeaderResponse>(context, async () =>
        {
            while (true)
            {
                (KeyRecord? leader, long revision) = await turns.FirstAsync(context, request.Name.Memory);
                leader ??= await FirstCandidateAsync(context, request.Name.Memory, revision);
                if (leader is not null)
                {
                    revision = Math.Max(revision, leader.ModRevision);
                    await responseStream.WriteAsync(Led(context, leader, revision));
                    await TellUntilGoneAsync(context, leader.Key, revision, responseStream);
                }
            }
        });

    /// <returns>Null: look once more.</returns>
    private async Task<KeyRecord?> FirstCandidateAsync(
        ServerCallContext call, ReadOnlyMemory<byte> name, long revision)
    {
        await using KeyEvents puts = await KeyEvents.OpenAsync(
            edge.NodeOf(call), TurnQueue.PutsUnder(name), revision + 1, call.CancellationToken);
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
}
