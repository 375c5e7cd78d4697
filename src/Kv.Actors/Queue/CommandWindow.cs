using System.Diagnostics.CodeAnalysis;
using Kv.Actors.Nodes;
using Kv.Core;

namespace Kv.Actors.Queue;

/// <summary>
/// The commands of this node's callers: those that wait for their turn, and those that were published and not
/// read back. Decides nothing but the turn; one owner.
/// </summary>
internal sealed class CommandWindow(int inFlightMax)
{
    private readonly LinkedList<PendingCommand> _waiting = new();

    // By sequence, which grows with time: the first is the oldest.
    private readonly SortedDictionary<long, (PendingCommand Command, long Time)> _inFlight = [];
    private long _bytesWaiting;

    public bool IsEmpty => _waiting.Count == 0 && _inFlight.Count == 0;

    public int InFlight => _inFlight.Count;

    public int Waiting => _waiting.Count;

    /// <summary>
    /// Lamport time of the oldest message published and not read back; null if there is none.
    /// </summary>
    public long? OldestTimeInFlight
    {
        get
        {
            foreach ((_, (_, long time)) in _inFlight) { return time; }
            return null;
        }
    }

    /// <summary>Takes a command into the line; false when too much waits already.</summary>
    public bool TryAdd(PendingCommand command)
    {
        bool isFull = _waiting.Count >= KvLimits.CommandsWaitingMax
            || _bytesWaiting + command.Body.Length > KvLimits.BytesWaitingMax;
        if (isFull) { return false; }
        command.Place = _waiting.AddLast(command);
        _bytesWaiting += command.Body.Length;
        return true;
    }

    /// <summary>
    /// The next whose caller still waits, if there is room in flight. The others leave the line.
    /// </summary>
    public bool TryTakeNext([NotNullWhen(true)] out PendingCommand? command)
    {
        command = null;
        if (_inFlight.Count >= inFlightMax) { return false; }
        while (_waiting.First is { } first && command is null)
        {
            LeaveLine(first);
            if (first.Value.IsOpen) { command = first.Value; }
        }
        return command is not null;
    }

    public void Published(long sequence, long time, PendingCommand command) =>
        _inFlight.Add(sequence, (command, time));

    /// <summary>The message was read back: it is no longer in flight. Null: it was not.</summary>
    public PendingCommand? ReadBack(long sequence) =>
        _inFlight.Remove(sequence, out (PendingCommand Command, long Time) entry) ? entry.Command : null;

    /// <summary>
    /// The caller waits no longer. In line, the command is never published; in flight it may be applied at
    /// any time.
    /// </summary>
    public void GiveUp(PendingCommand command)
    {
        if (command.Place is { } place)
        {
            LeaveLine(place);
            command.Fail(KvError.DeadlineBeforePublish,
                "The deadline ended before the command was published; it never will be.");
            return;
        }
        command.Fail(KvError.OutcomeUnknown,
            "The command was published and not read back in time: it may be applied, now or later.");
    }

    /// <summary>Refuses all that wait; nothing of them was published.</summary>
    public void FailWaiting(KvError code, string because)
    {
        while (_waiting.First is { } first)
        {
            LeaveLine(first);
            first.Value.Fail(code, because);
        }
    }

    /// <summary>The node ends: what is in flight may or may not be applied by the others.</summary>
    public void FailInFlight(string because)
    {
        foreach ((PendingCommand command, _) in _inFlight.Values)
        {
            command.Fail(KvError.OutcomeUnknown, because);
        }
        _inFlight.Clear();
    }

    private void LeaveLine(LinkedListNode<PendingCommand> place)
    {
        _waiting.Remove(place);
        _bytesWaiting -= place.Value.Body.Length;
        place.Value.Place = null;
    }
}
