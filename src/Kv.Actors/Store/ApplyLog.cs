using Akka.Event;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Store;

/// <summary>Tells people what became of each entry: client's commands one by one, with their order.</summary>
/// <param name="skipOffsets">What the operator had passed over.</param>
internal sealed class ApplyLog(string nodeId, ILoggingAdapter log, IReadOnlySet<long> skipOffsets)
{
    public void Note(long offset, AppliedEntry applied)
    {
        if (applied.Fate != EntryFate.Skipped && skipOffsets.Contains(offset))
        {
            log.Warning(
                "{Node} does not skip offset {Offset}, whatever KV_SKIP_OFFSET says: the message there can "
                    + "be read", nodeId, offset);
        }
        switch (applied.Fate)
        {
            case EntryFate.Applied when log.IsInfoEnabled:
                NoteCommands(applied);
                break;
            case EntryFate.Applied:
                break;
            case EntryFate.Skipped:
                log.Error("{Node} skips the entry at offset {Offset}. {Why}", nodeId, offset, applied.Why);
                break;
            case EntryFate.Stray or EntryFate.UnknownProducer:
                log.Warning(
                    "{Node} ignores the message at offset {Offset}: {Why}", nodeId, offset, applied.Why);
                break;
            default:
                log.Debug("{Node} ignores the entry at offset {Offset}: {Why}", nodeId, offset, applied.Why);
                break;
        }
    }

    private void NoteCommands(AppliedEntry applied)
    {
        for (int i = 0; i < applied.Replies.Count; i++)
        {
            LogEntry entry = applied.Entry!;
            LoggedCommand logged = entry.Commands[i];
            long order = applied.Replies[i].Order;
            if (order > 0 && CommandText.Describe(logged.Command) is { } text)
            {
                string id = logged.RequestId?.ToString() ?? $"{entry.ProducerId}.{entry.Sequence}.{i}";
                log.Info(
                    "{Node} applied {Order} {Command} {Key} from {Sender} as {Id}",
                    nodeId, order, text.Name, text.Key, applied.Sender, id);
            }
        }
    }
}
