namespace Kv.Core.Merge;

/// <summary>The four commands of the original system, by their names on the wire.</summary>
public enum QueueCommand
{
    Set = 1,
    Get = 2,
    Print = 3,
    Del = 4,
}

/// <summary>A command as it travels in queue mode; see docs/formats-queue.md.</summary>
/// <param name="Key">UTF-8; empty for PRINT.</param>
/// <param name="Value">The JSON text of the value, byte for byte; empty unless SET.</param>
/// <param name="SenderId">The node that published it.</param>
/// <param name="Uuid">Names the command; a redelivery has the same.</param>
/// <param name="Origin">
/// What our nodes add in the headers; null: a plain message, of a node that is not ours.
/// </param>
public sealed record QueueMessage(
    QueueCommand Command,
    byte[] Key,
    byte[] Value,
    string SenderId,
    string Uuid,
    MessageOrigin? Origin)
{
    public bool IsWrite => Command is QueueCommand.Set or QueueCommand.Del;
}

/// <summary>Where a message of ours stands among those of its sender, and in time.</summary>
/// <param name="Time">Lamport time, 1 to <see cref="MergeLimits.TimeMax"/>.</param>
/// <param name="Incarnation">Which run of the node; 1 or more.</param>
/// <param name="Sequence">1, 2, 3 … for each (node, incarnation).</param>
public readonly record struct MessageOrigin(long Time, string NodeId, long Incarnation, long Sequence);
