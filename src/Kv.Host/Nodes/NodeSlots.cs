using Kv.Host.Settings;

namespace Kv.Host.Nodes;

/// <summary>All nodes of this process; a call belongs to the node whose port it came in on.</summary>
internal sealed class NodeSlots
{
    private readonly Dictionary<int, NodeSlot> _byPort = [];

    public NodeSlots(HostSettings settings)
    {
        All =
        [
            .. settings.NodeIds.Select((id, i) => new NodeSlot(
                id, settings.Mode, settings.RpcPort + i, settings.HttpPort == 0 ? 0 : settings.HttpPort + i)),
        ];
        foreach (NodeSlot slot in All)
        {
            _byPort[slot.RpcPort] = slot;
            _byPort[slot.HttpPort] = slot;
        }
    }

    public IReadOnlyList<NodeSlot> All { get; }

    public NodeSlot Of(HttpContext call) => _byPort[call.Connection.LocalPort];
}
