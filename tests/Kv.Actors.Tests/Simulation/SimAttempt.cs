using Kv.Actors.Nodes;
using Kv.Actors.Publishing;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Tests.Simulation;

/// <summary>One call of one node, as the edge handles it: with a deadline, ended exactly once.</summary>
internal sealed class SimAttempt
{
    private readonly SimWorld _world;
    private readonly PendingCommand _pending;
    private readonly Action<SimAttempt, AttemptEnd> _end;
    private bool _isEnding;

    /// <param name="deadlineMs">Null: it waits for as long as the node lives.</param>
    internal SimAttempt(
        SimWorld world,
        SimNode? node,
        LoggedCommand command,
        int? deadlineMs,
        Action<SimAttempt, AttemptEnd> end)
    {
        _world = world;
        Node = node;
        _pending = new PendingCommand(command.Command, command.RequestId);
        _end = end;
        if (node is null)
        {
            EndSoon(new AttemptEnd.NotPublished("no connection to the node"));
            return;
        }
        world.Attempts.Add(this);
        node.Submit(_pending);
        if (deadlineMs is { } limitMs)
        {
            world.Time.In(limitMs, PassDeadline);
        }
    }

    internal SimNode? Node { get; }

    /// <summary>To be called when the node's publisher has done something.</summary>
    internal void Collect()
    {
        if (!_isEnding && _pending.Reply.IsCompleted)
        {
            EndSoon(_pending.Reply.IsCompletedSuccessfully
                ? new AttemptEnd.Answered(_pending.Reply.Result)
                : Meaning((KvException)_pending.Reply.Exception!.InnerException!));
        }
    }

    internal void LoseNode()
    {
        if (!_isEnding)
        {
            EndSoon(new AttemptEnd.Unknown("the node died"));
        }
    }

    private void PassDeadline()
    {
        if (!_isEnding)
        {
            EndSoon(_pending.TryAbandon()
                ? new AttemptEnd.NotPublished("deadline before publishing")
                : new AttemptEnd.Unknown("deadline"));
        }
    }

    private void EndSoon(AttemptEnd how)
    {
        _isEnding = true;
        _world.Attempts.Remove(this);
        _world.Time.In(_world.Dice.Between(0, 3), () => _end(this, how));
    }

    private static AttemptEnd Meaning(KvException error) => error.Code switch
    {
        KvError.OutcomeUnknown or KvError.Halted => new AttemptEnd.Unknown(error.Message),
        _ => new AttemptEnd.NotPublished(error.Message),
    };
}

internal abstract record AttemptEnd
{
    internal sealed record Answered(Reply Reply) : AttemptEnd;

    /// <summary>Nothing of it ever gets into the log.</summary>
    internal sealed record NotPublished(string Why) : AttemptEnd;

    internal sealed record Unknown(string Why) : AttemptEnd;
}
