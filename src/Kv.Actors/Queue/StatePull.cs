using Akka.Actor;
using Kv.Actors.Presence;
using Kv.Core.Merge;
using Kv.Protos.Internal.V1;
using CoreHeader = Kv.Core.Merge.StateHeader;

namespace Kv.Actors.Queue;

/// <param name="Incarnation">Which run of the peer answered.</param>
/// <param name="Settled">See the peer's <see cref="CoreHeader.Settled"/>.</param>
internal sealed record PullResult(long Incarnation, long Settled, int Changes);

/// <summary>One pull: asks a peer for what it has otherwise and merges it, a chunk at a time.</summary>
internal sealed class StatePull(
    IActorRef store, IPeerClient peers, Announcement self, bool byArrival, int chunkTimeoutMs)
{
    /// <exception cref="PeerException">The peer does not answer as it should.</exception>
    public async Task<PullResult> RunAsync(Announcement peer, CancellationToken stopping)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        deadline.CancelAfter(chunkTimeoutMs);
        ulong[] leaves =
            await AskAsync<ulong[]>(answer => new QueueStoreActor.TakeLeaves(answer), deadline.Token);
        GetStateRequest request = StateChunks.ToRequest(peers.Exchange, self, byArrival, leaves);
        var names = new NameTable();
        CoreHeader? header = null;
        await foreach (StateChunk chunk in peers.GetStateAsync(peer.Url, request, deadline.Token))
        {
            deadline.CancelAfter(chunkTimeoutMs);
            if (chunk.Header is not null)
            {
                header = StateChunks.ToHeader(chunk.Header);
                store.Tell(new QueueStoreActor.BeginImport(header));
            }
            if (header is null) { throw new PeerException($"{peer.NodeId} began without a header."); }
            await ImportAsync(StateChunks.ToParts(chunk, names), deadline.Token);
            if (!chunk.Last) { continue; }
            int changes = await AskAsync<int>(
                answer => new QueueStoreActor.CompleteImport(answer), deadline.Token);
            return new PullResult(header.Incarnation, header.Settled, changes);
        }
        throw new PeerException($"{peer.NodeId} ended before its state was complete.");
    }

    private async Task ImportAsync(List<LeafPart> parts, CancellationToken cancellation)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        store.Tell(new QueueStoreActor.ImportParts(parts, done));
        await done.Task.WaitAsync(cancellation);
    }

    private async Task<T> AskAsync<T>(Func<TaskCompletionSource<T>, object> question,
        CancellationToken cancellation)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        store.Tell(question(answer));
        return await answer.Task.WaitAsync(cancellation);
    }
}
