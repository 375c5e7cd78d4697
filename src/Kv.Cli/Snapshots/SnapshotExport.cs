using Grpc.Core;
using Kv.Protos.Internal.V1;

namespace Kv.Cli.Snapshots;

/// <summary>
/// The state of one node, as it comes. The timeout is for each piece: the whole may take long.
/// </summary>
internal sealed class SnapshotExport(ChannelBase channel, TimeSpan timeout, CancellationToken interrupt)
{
    /// <summary>Known with the first piece.</summary>
    public string Node { get; private set; } = "";

    /// <summary>Known with the first piece.</summary>
    public bool IsOfHaltedNode { get; private set; }

    /// <exception cref="RpcException">
    /// The node refused, or went; <see cref="StatusCode.DeadlineExceeded"/> where a piece did not come.
    /// </exception>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync(bool haltedToo)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(interrupt);
        patience.CancelAfter(timeout);
        using AsyncServerStreamingCall<SnapshotChunk> call =
            new SnapshotService.SnapshotServiceClient(channel).Export(
                new ExportRequest { HaltedToo = haltedToo }, cancellationToken: patience.Token);
        while (await NextAsync(call, patience.Token))
        {
            patience.CancelAfter(timeout);
            SnapshotChunk chunk = call.ResponseStream.Current;
            if (chunk.Heading is { } heading)
            {
                (Node, IsOfHaltedNode) = (heading.Node, heading.Halted);
            }

            yield return chunk.Content.Memory;
        }
    }

    private async Task<bool> NextAsync(
        AsyncServerStreamingCall<SnapshotChunk> call, CancellationToken patience)
    {
        try
        {
            return await call.ResponseStream.MoveNext(patience);
        }
        catch (Exception stalled) when (patience.IsCancellationRequested
            && !interrupt.IsCancellationRequested
            && stalled is RpcException { StatusCode: StatusCode.Cancelled } or OperationCanceledException)
        {
            throw new RpcException(new Status(StatusCode.DeadlineExceeded, "", stalled));
        }
    }
}
