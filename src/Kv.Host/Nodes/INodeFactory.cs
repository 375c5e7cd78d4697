using Akka.Actor;
using Kv.Actors.Nodes;
using Kv.Actors.Presence;

namespace Kv.Host.Nodes;

/// <summary>Makes the nodes of one replication mode.</summary>
internal interface INodeFactory : IAsyncDisposable
{
    /// <summary>Opens what the node needs and starts it; it catches up by itself.</summary>
    /// <exception cref="NodeRefusedException">It must not run; trying again is no use.</exception>
    Task<IKvNode> StartAsync(ActorSystem system, NodeSlot slot, CancellationToken stopping);
}
