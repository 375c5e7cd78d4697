using System.Runtime.CompilerServices;
using Grpc.Core;
using Grpc.Net.Client;
using Kv.Actors.Snapshots;
using Kv.Protos.Internal.V1;

namespace Kv.Host.Nodes;

/// <summary>Snapshots from peers over gRPC.</summary>
internal static class PeerSnapshotClient
{
    /// <summary>A peer that sends nothing for so long is given up, ms.</summary>
    private const int StallTimeoutMs = 30_000;

    /// <inheritdoc cref="ExportFromPeer"/>
    public static async IAsyncEnumerable<ReadOnlyMemory<byte>> ExportAsync(
        Uri peer, ulong clusterId, long offsetMin, [EnumeratorCancellation] CancellationToken stopping)
    {
        using var channel = GrpcChannel.ForAddress(peer);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        patience.CancelAfter(StallTimeoutMs);
        var request = new ExportRequest
        {
            ClusterId = clusterId == 0 ? "" : clusterId.ToString("x16"),
            OffsetMin = offsetMin,
            // What it has of the log is no worse for that: whether the log leads on from it shows.
            HaltedToo = true,
        };
        using AsyncServerStreamingCall<SnapshotChunk> call =
            new SnapshotService.SnapshotServiceClient(channel).Export(
                request, cancellationToken: patience.Token);
        while (await call.ResponseStream.MoveNext(patience.Token))
        {
            patience.CancelAfter(StallTimeoutMs);
            yield return call.ResponseStream.Current.Content.Memory;
        }
    }
}
