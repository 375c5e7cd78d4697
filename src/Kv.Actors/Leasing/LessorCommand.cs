using Kv.Actors.Publishing;
using Kv.Core.Entries;

namespace Kv.Actors.Leasing;

/// <summary>A command of the lessor on its way through the log.</summary>
/// <param name="command">
/// <see cref="Command.LeaseRenew"/>, <see cref="Command.LeaseExpire"/>, <see cref="Command.LeaseCheckpoint"/>
/// or <see cref="Command.Barrier"/>.
/// </param>
internal sealed class LessorCommand(Command command)
{
    public Command Command { get; } = command;

    /// <summary>Monotonic ms.</summary>
    public long SentAtMs { get; set; }

    /// <summary>As the publisher has it; null: it was not handed to one.</summary>
    public PendingCommand? Pending { get; set; }
}
