using System.Text;
using Kv.Actors.Presence;
using Kv.Core;
using Kv.Core.Merge;

namespace Kv.Actors.Queue;

/// <summary>Settings of a node in queue mode. Times in ms.</summary>
public sealed record QueueNodeOptions
{
    /// <summary>1 to 64 bytes of UTF-8, unique on the exchange.</summary>
    public required string NodeId { get; init; }

    /// <summary>Where peers reach this node's gRPC services, e.g. http://10.0.0.1:50051.</summary>
    public required string Url { get; init; }

    /// <summary>Where the Lamport times used are kept; null: nowhere.</summary>
    public string? DataDirectory { get; init; }

    /// <summary>QUEUE_ORDER: merge (default) or arrival.</summary>
    public WriteOrder Order { get; init; } = WriteOrder.Merge;

    public PresenceOptions Presence { get; init; } = new();

    /// <summary>
    /// How long a starting node looks for a peer that serves, from when its queue is bound, before it begins
    /// with what it has. Before its queue is bound it has waited <see cref="PresenceOptions.WhoWaitMs"/>
    /// already.
    /// </summary>
    public int AloneAfterMs { get; init; } = 1_000;

    /// <summary>
    /// Messages published and not read back, 1 to 1,024. More gains little and holds more memory.
    /// </summary>
    public int PublishWindow { get; init; } = 64;

    /// <summary>Pause before messages whose publishing failed are published again.</summary>
    public int RepublishDelayMs { get; init; } = 250;

    /// <summary>
    /// How long a digest or a gap may differ before it is pulled: messages under way make them differ for a
    /// moment.
    /// </summary>
    public int SettleMs { get; init; } = 3_000;

    /// <summary>Shortest time between two pulls; up to half of it is added at random.</summary>
    public int PullIntervalMs { get; init; } = 5_000;

    /// <summary>Longest a pull may take without a chunk arriving.</summary>
    public int PullTimeoutMs { get; init; } = 10_000;

    /// <summary>How long a floor has to have been right before tombstones below it are dropped.</summary>
    public int FloorDelayMs { get; init; } = 60_000;

    /// <summary>
    /// Which run of the node this is; 0: derived from the wall clock, so that later runs have larger ones.
    /// </summary>
    public long Incarnation { get; init; }

    /// <summary>Guards against using a Lamport time twice; nothing is decided by it.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <exception cref="ArgumentException">A value is out of its bounds.</exception>
    public QueueNodeOptions Validate()
    {
        int idBytes = Encoding.UTF8.GetByteCount(NodeId);
        if (idBytes is 0 or > KvLimits.NodeIdBytesMax)
        {
            throw new ArgumentException($"NODE_ID must have 1 to {KvLimits.NodeIdBytesMax} bytes.",
                nameof(NodeId));
        }
        ArgumentOutOfRangeException.ThrowIfNegative(AloneAfterMs);
        ArgumentOutOfRangeException.ThrowIfLessThan(PublishWindow, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(PublishWindow, 1_024);
        ArgumentOutOfRangeException.ThrowIfLessThan(RepublishDelayMs, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(SettleMs);
        ArgumentOutOfRangeException.ThrowIfLessThan(PullIntervalMs, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(PullTimeoutMs, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(FloorDelayMs);
        ArgumentOutOfRangeException.ThrowIfNegative(Incarnation);
        Presence.Validate();
        return this;
    }
}
