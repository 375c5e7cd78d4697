using Kv.Protos.Internal.V1;

namespace Kv.Actors.Queue;

/// <summary>What the node gives to its peers; the gRPC service passes calls on to it. Any thread.</summary>
public interface IPeerState
{
    /// <exception cref="Nodes.KvException">
    /// The node does not run yet (NotReady), or caller and node must not merge (UnsupportedInMode).
    /// </exception>
    IAsyncEnumerable<StateChunk> ExportAsync(GetStateRequest request, CancellationToken cancellation);
}
