using Kv.Actors.Nodes;

namespace Kv.Host.Nodes;

/// <summary>
/// A node's place in this process: its ports exist from the start, the node itself once its log is open.
/// </summary>
internal sealed class NodeSlot(string nodeId, ReplicationMode mode, int rpcPort, int httpPort)
{
    private volatile IKvNode? _node;
    private volatile string _absentBecause = "The node is opening its log.";

    public string NodeId { get; } = nodeId;

    public ReplicationMode Mode { get; } = mode;

    public int RpcPort { get; } = rpcPort;

    /// <summary>0: none.</summary>
    public int HttpPort { get; } = httpPort;

    /// <exception cref="KvException">There is no node yet; the message says why.</exception>
    public IKvNode Node => _node ?? throw new KvException(KvError.NotReady, _absentBecause);

    public IKvNode? NodeIfAny => _node;

    public void Fill(IKvNode node) => _node = node;

    public void NotYet(string reason) => _absentBecause = reason;

    public async Task<NodeStatus> GetStatusAsync(CancellationToken cancellation)
    {
        if (_node is { } node)
        {
            return await node.GetStatusAsync(cancellation);
        }
        return new NodeStatus(
            NodeId, Mode, NodeState.Starting, _absentBecause, "", -1, 0, 0, 0, "", Members: [], Alarms: []);
    }
}
