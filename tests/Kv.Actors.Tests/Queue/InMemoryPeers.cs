using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Google.Protobuf;
using Kv.Actors.Nodes;
using Kv.Actors.Queue;
using Kv.Protos.Internal.V1;

namespace Kv.Actors.Tests.Queue;

/// <summary>Peers reached without a network: what goes over the wire is still encoded and decoded.</summary>
public sealed class InMemoryPeers : IPeerClient
{
    private readonly ConcurrentDictionary<string, IPeerState> _nodes = new();

    public string Exchange => "test";

    /// <summary>How many pulls were asked for.</summary>
    public int Pulls { get; private set; }

    public bool AreUnreachable { get; set; }

    public void Add(string url, IPeerState node) => _nodes[url] = node;

    public async IAsyncEnumerable<StateChunk> GetStateAsync(
        string url, GetStateRequest request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        Pulls++;
        if (AreUnreachable || !_nodes.TryGetValue(url, out IPeerState? node))
        {
            throw new PeerException($"{url} cannot be reached.");
        }
        var received = GetStateRequest.Parser.ParseFrom(request.ToByteArray());
        await using IAsyncEnumerator<StateChunk> chunks =
            node.ExportAsync(received, cancellation).GetAsyncEnumerator(cancellation);
        while (true)
        {
            try
            {
                if (!await chunks.MoveNextAsync()) { yield break; }
            }
            catch (KvException refusal)
            {
                throw new PeerException(refusal.Message, refusal);
            }
            yield return StateChunk.Parser.ParseFrom(chunks.Current.ToByteArray());
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
