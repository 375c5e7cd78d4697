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

    /// <summary>Metadata with <see cref="Settings.HostSettings.PeerKey"/>.</summary>
    public const string PeerKeyName = "kv-peer-key";

    /// <param name="peerKey">For peers that ask who calls; empty: none.</param>
    /// <inheritdoc cref="ExportFromPeer"/>
    public static async IAsyncEnumerable<ReadOnlyMemory<byte>> ExportAsync(
        string peerKey,
        Uri peer,
        ulong clusterId,
        long offsetMin,
        [EnumeratorCancellation] CancellationToken stopping)
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
                request,
                peerKey.Length == 0 ? null : new Metadata { { PeerKeyName, peerKey } },
                cancellationToken: patience.Token);
        while (await call.ResponseStream.MoveNext(patience.Token))
        {
            patience.CancelAfter(StallTimeoutMs);
            yield return call.ResponseStream.Current.Content.Memory;
        }
    }
}
