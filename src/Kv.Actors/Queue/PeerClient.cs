using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Grpc.Core;
using Grpc.Net.Client;
using Kv.Core;
using Kv.Protos.Internal.V1;

namespace Kv.Actors.Queue;

/// <summary>A peer does not answer as it should.</summary>
public sealed class PeerException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>The way to other nodes' state. Any thread.</summary>
public interface IPeerClient : IAsyncDisposable
{
    /// <summary>Names the cluster: peers on another exchange refuse to answer.</summary>
    string Exchange { get; }

    /// <exception cref="PeerException">The peer refuses, or cannot be reached.</exception>
    IAsyncEnumerable<StateChunk> GetStateAsync(string url, GetStateRequest request,
        CancellationToken cancellation);
}

/// <summary>
/// Other nodes by gRPC. One channel for each address, kept: peers are few and pulled again and again.
/// </summary>
public sealed class GrpcPeerClient(string exchange) : IPeerClient
{
    // Addresses come from presence, which lists no more members than this.
    private const int ChannelsMax = 256;

    private readonly ConcurrentDictionary<string, GrpcChannel> _channels = new();

    public string Exchange { get; } = exchange;

    public async IAsyncEnumerable<StateChunk> GetStateAsync(
        string url, GetStateRequest request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var client = new PeerService.PeerServiceClient(ChannelTo(url));
        using AsyncServerStreamingCall<StateChunk> call =
            client.GetState(request, cancellationToken: cancellation);
        while (await MoveNextAsync(call, url, cancellation))
        {
            yield return call.ResponseStream.Current;
        }
    }

    public ValueTask DisposeAsync()
    {
        foreach (GrpcChannel channel in _channels.Values) { channel.Dispose(); }
        _channels.Clear();
        return ValueTask.CompletedTask;
    }

    private static async Task<bool> MoveNextAsync(
        AsyncServerStreamingCall<StateChunk> call, string url, CancellationToken cancellation)
    {
        try
        {
            return await call.ResponseStream.MoveNext(cancellation);
        }
        catch (RpcException cause)
        {
            throw new PeerException($"{url} answers {cause.StatusCode}: {cause.Status.Detail}", cause);
        }
    }

    private GrpcChannel ChannelTo(string url)
    {
        if (_channels.TryGetValue(url, out GrpcChannel? known)) { return known; }
        if (!Uri.TryCreate(url, UriKind.Absolute, out Uri? address)
            || address.Scheme is not ("http" or "https"))
        {
            throw new PeerException($"The peer announces \"{url}\", which is no http address.");
        }
        if (_channels.Count >= ChannelsMax)
        {
            foreach ((string old, GrpcChannel channel) in _channels)
            {
                if (_channels.TryRemove(old, out _)) { channel.Dispose(); }
            }
        }
        return _channels.GetOrAdd(url, _ => GrpcChannel.ForAddress(address, new GrpcChannelOptions
        {
            MaxReceiveMessageSize = KvLimits.MessageBytesMax,
        }));
    }
}
