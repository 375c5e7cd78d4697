using Grpc.Core;
using Grpc.Net.Client;
using Kv.Protos.V1;

namespace Kv.Host.Recovery;

/// <summary>Asks other nodes how they are; halted ones answer, too.</summary>
internal static class PeerStatuses
{
    /// <summary>Longest wait for one node's answer, s.</summary>
    private const int AnswerSecondsMax = 5;

    /// <returns>Null for one that does not answer.</returns>
    public static async Task<IReadOnlyList<(Uri Peer, StatusReply? Status)>> AskAsync(
        IReadOnlyList<Uri> peers, CancellationToken stopping) =>
        await Task.WhenAll(peers.Select(async peer => (peer, await AskAsync(peer, stopping))));

    private static async Task<StatusReply?> AskAsync(Uri peer, CancellationToken stopping)
    {
        using var channel = GrpcChannel.ForAddress(peer);
        try
        {
            return await new KvService.KvServiceClient(channel).StatusAsync(
                new StatusRequest(),
                deadline: DateTime.UtcNow.AddSeconds(AnswerSecondsMax),
                cancellationToken: stopping);
        }
        catch (RpcException) when (!stopping.IsCancellationRequested)
        {
            return null;
        }
    }
}
