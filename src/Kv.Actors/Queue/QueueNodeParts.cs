using Kv.Actors.Fanouts;

namespace Kv.Actors.Queue;

/// <summary>What a node works with.</summary>
/// <param name="Commands">The exchange of commands and this node's queue on it.</param>
/// <param name="Presence">The exchange of announcements.</param>
internal sealed record QueueNodeParts(
    IFanout Commands, IFanout Presence, IPeerClient Peers, LamportFile LamportFile);
