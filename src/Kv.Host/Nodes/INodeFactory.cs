using Akka.Actor;
using Kv.Actors.Nodes;
using Kv.Actors.Presence;

namespace Kv.Host.Nodes;

/// <summary>Makes the nodes of one replication mode.</summary>
internal interface INodeFactory : IAsyncDisposable
{
    /// <summary>Opens what the node needs and starts it; it catches up by itself.</summary>
    /// <exception cref="NodeHaltedException">The log it belongs to is not there.</exception>
    /// <exception cref="NodeRefusedException">It must not run; trying again is no use.</exception>
    Task<IKvNode> StartAsync(ActorSystem system, NodeSlot slot, CancellationToken stopping);
}

/// <summary>
/// The node belongs to a log that does not exist any more: DATA_LOSS until an operator decides.
/// </summary>
internal sealed class NodeHaltedException(string message, Exception cause) : Exception(message, cause);
