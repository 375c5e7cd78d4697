using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Nodes;

/// <summary>What the edge (gRPC) needs of a node, whatever its replication mode. Any thread.</summary>
public interface IKvNode
{
    string NodeId { get; }

    ReplicationMode Mode { get; }

    /// <summary>What an answered write has behind it; null in queue mode, which promises neither.</summary>
    AckLevel? Ack { get; }

    /// <summary>
    /// Puts the command into the log and answers when this node has applied it from there. Modes without a
    /// total order take Set, Get, Print and Del only.
    /// </summary>
    /// <param name="logged">
    /// With a request id, a mutating command is safe to repeat through any node. With whom asks, for a store
    /// that checks it.
    /// </param>
    /// <param name="cancellation">
    /// Cancelled when the caller's deadline is over or it has gone: before the command was published it
    /// never will be; afterwards its outcome is unknown.
    /// </param>
    /// <exception cref="KvException">
    /// Anything but a reply of the store; the code says what it means.
    /// </exception>
    Task<Reply> ExecuteAsync(LoggedCommand logged, CancellationToken cancellation);

    /// <summary>
    /// Reads a key from this node's state at once. The reply's order is the last one applied.
    /// </summary>
    /// <exception cref="KvException">The node does not serve (starting, halted).</exception>
    Task<Reply.Got> GetLocalAsync(ReadOnlyMemory<byte> key, CancellationToken cancellation);

    /// <summary>A view of this node's state at once. The reply's order is the last one applied.</summary>
    /// <exception cref="KvException">The node does not serve (starting, halted).</exception>
    Task<Reply.Printed> PrintLocalAsync(CancellationToken cancellation);

    /// <summary>What the node knows of itself; answered in every state.</summary>
    Task<NodeStatus> GetStatusAsync(CancellationToken cancellation);

    /// <summary>
    /// Takes no more commands, waits for the answers of those it has (bounded by the token), and stops.
    /// </summary>
    Task StopAsync(CancellationToken deadline);
}

/// <summary>Short ways to ask a node.</summary>
public static class KvNodeCalls
{
    /// <summary>For a command of which nobody said who asks.</summary>
    /// <inheritdoc cref="IKvNode.ExecuteAsync"/>
    public static Task<Reply> ExecuteAsync(
        this IKvNode node, Command command, RequestId? requestId, CancellationToken cancellation) =>
        node.ExecuteAsync(new LoggedCommand(command, requestId), cancellation);
}

/// <summary>How a node's commands reach the others; see README, modes and promises.</summary>
public enum ReplicationMode
{
    Embedded = 1,
    Stream = 2,
    Queue = 3,
}
