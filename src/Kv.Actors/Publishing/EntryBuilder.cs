using Kv.Actors.Nodes;
using Kv.Core;
using Kv.Core.Entries;

namespace Kv.Actors.Publishing;

/// <summary>Group commit's gathering part: takes waiting commands, oldest first, into one entry.</summary>
internal static class EntryBuilder
{
    /// <summary>
    /// Removes commands from <paramref name="waiting"/> until the entry is full. Abandoned ones are
    /// dropped; all barriers of the batch share one command, which stands where the first of them stood.
    /// </summary>
    /// <returns>The commands and who waits for each; empty when everything waiting was abandoned.</returns>
    public static (List<LoggedCommand> Commands, List<IReadOnlyList<PendingCommand>> ByCommand) Gather(
        Queue<PendingCommand> waiting, int bytesTarget)
    {
        List<LoggedCommand> commands = [];
        List<IReadOnlyList<PendingCommand>> byCommand = [];
        List<PendingCommand>? barrier = null;
        int bytes = 0;
        while (commands.Count < KvLimits.EntryCommandsMax && waiting.TryPeek(out PendingCommand? next))
        {
            if (commands.Count > 0 && bytes + next.BytesMax > bytesTarget)
            {
                break;
            }
            waiting.Dequeue();
            if (!next.TryPublish())
            {
                next.Fail(KvError.DeadlineBeforePublish, "Its caller has gone.");
                continue;
            }
            if (next.Command is Command.Barrier && barrier is not null)
            {
                barrier.Add(next);
                continue;
            }
            List<PendingCommand> own = [next];
            barrier = next.Command is Command.Barrier ? own : barrier;
            commands.Add(new LoggedCommand(next.Command, next.RequestId, next.Principal));
            byCommand.Add(own);
            bytes += next.BytesMax;
        }
        return (commands, byCommand);
    }
}
