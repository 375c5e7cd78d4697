using Kv.Actors.Nodes;

namespace Kv.Host.Nodes;

/// <summary>
/// A node's place in this process: its ports exist from the start, the node itself once its log is open.
/// </summary>
internal sealed class NodeSlot(string nodeId, ReplicationMode mode, int rpcPort, int httpPort)
{
    private volatile IKvNode? _node;
    private volatile Absence _absence = new(NodeState.Starting, "The node is opening its log.");

    private sealed record Absence(NodeState State, string Reason);

    public string NodeId { get; } = nodeId;

    public ReplicationMode Mode { get; } = mode;

    public int RpcPort { get; } = rpcPort;

    /// <summary>0: none.</summary>
    public int HttpPort { get; } = httpPort;

    /// <exception cref="KvException">There is no node yet; the message says why.</exception>
    public IKvNode Node => _node ?? throw Absent(_absence);

    public IKvNode? NodeIfAny => _node;

    public void Fill(IKvNode node) => _node = node;

    public void NotYet(string reason) => _absence = new Absence(NodeState.Starting, reason);

    /// <summary>
    /// The node belongs to a log that is not there: it serves nothing until an operator decides.
    /// </summary>
    public void Halt(string reason) => _absence = new Absence(NodeState.Halted, reason);

    public async Task<NodeStatus> GetStatusAsync(CancellationToken cancellation)
    {
        if (_node is { } node)
        {
            return await node.GetStatusAsync(cancellation);
        }
        Absence absence = _absence;
        return new NodeStatus(
            NodeId, Mode, absence.State, absence.Reason, "", -1, 0, 0, 0, "", Members: [], Alarms: []);
    }

    private static KvException Absent(Absence absence) => new(
        absence.State == NodeState.Halted ? KvError.Halted : KvError.NotReady, absence.Reason);
}
