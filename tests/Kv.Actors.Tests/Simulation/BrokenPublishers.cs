using Kv.Actors.Log;
using Kv.Actors.Publishing;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Tests.Simulation;

/// <summary>
/// It appends other commands under a sequence whose first bytes may be in the log, and does not compare what
/// comes back.
/// </summary>
internal sealed class PublisherThatEncodesAgain : BrokenParts
{
    private readonly HashSet<(SimNode, Digest)> _appended = [];

    internal override byte[] BytesToAppend(SimNode node, long sequence, byte[] entry)
    {
        if (_appended.Add((node, Digest.Of(entry))))
        {
            return entry;
        }
        LogEntry first = ((EntryReading.Entry)EntryCodec.Read(entry)).Value;
        return EntryCodec.Encode(first with { Commands = [.. first.Commands.Select(Other)] });
    }

    internal override object WordToPublisher(SimNode node, object word) =>
        word is PublisherActor.ReadBack { Fate: EntryFate.Applied } back && node.Window.Oldest is { } oldest
            ? back with { Hash = oldest.Hash }
            : word;

    private static LoggedCommand Other(LoggedCommand logged) => logged.Command is Command.Set set
        ? logged with { Command = set with { Value = (byte[])[.. set.Value.Span, (byte)'x'] } }
        : logged;
}

/// <summary>It takes the log's confirm for the store's answer.</summary>
internal sealed class PublisherThatAnswersAtConfirm : BrokenParts
{
    internal override Exception? EndOfAppend(SimNode node, long sequence, byte[] entry, Exception? failure)
    {
        if (failure is not null || node.Window.Oldest?.Sequence != sequence)
        {
            return failure;
        }
        KeyValueStore store = node.Follower.Store;
        foreach (PendingCommand pending in node.Window.Oldest.ByCommand[0])
        {
            pending.Answer(pending.Command switch
            {
                Command.Barrier => new Reply.Done { Revision = store.Revision, Order = 0 },
                Command.Get get => new Reply.Got(store.Get(get.Key.Span))
                {
                    Revision = store.Revision,
                    Order = store.Order + 1,
                },
                _ => new Reply.Done { Revision = store.Revision + 1, Order = store.Order + 1 },
            });
        }
        return failure;
    }
}

/// <summary>It takes an unknown outcome for a refusal.</summary>
internal sealed class PublisherThatGivesUpTooEarly : BrokenParts
{
    internal override Exception? EndOfAppend(
        SimNode node, long sequence, byte[] entry, Exception? failure) =>
        failure is LogOutcomeUnknownException ? new LogUnavailableException(failure.Message) : failure;
}

/// <summary>It takes an unknown outcome for a confirm.</summary>
internal sealed class PublisherThatHopes : BrokenParts
{
    internal override Exception? EndOfAppend(
        SimNode node, long sequence, byte[] entry, Exception? failure) =>
        failure is LogOutcomeUnknownException ? null : failure;
}

/// <summary>After an unknown outcome it sends the commands once more, as if they were new.</summary>
internal sealed class PublisherThatRepeatsCommands : BrokenParts
{
    internal override Exception? EndOfAppend(SimNode node, long sequence, byte[] entry, Exception? failure)
    {
        if (failure is LogOutcomeUnknownException
            && EntryCodec.Read(entry) is EntryReading.Entry { Value: var sent })
        {
            foreach (LoggedCommand logged in sent.Commands)
            {
                node.Submit(new PendingCommand(logged.Command, null));
            }
        }
        return failure;
    }
}

/// <summary>It believes that it need not ask the log for a read to be fresh.</summary>
internal sealed class PublisherWithoutBarriers : BrokenParts
{
    internal override bool AnswersAtOnce(SimNode node, PendingCommand pending)
    {
        if (pending.Command is not Command.Barrier || !node.Follower.HasCaughtUp)
        {
            return false;
        }
        pending.Answer(new Reply.Done { Revision = node.Follower.Store.Revision, Order = 0 });
        return true;
    }
}
