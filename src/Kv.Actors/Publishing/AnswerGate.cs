using Kv.Actors.Nodes;
using Kv.Core.Store;

namespace Kv.Actors.Publishing;

/// <summary>
/// Lets answers out when they have behind them what <paramref name="ack"/> asks for. Under ACK=persisted
/// reads wait as writes do: nobody is shown what might still be lost.
/// </summary>
/// <remarks>
/// Not bounded here: whoever waits counts among the commands the node has under way until it is answered.
/// </remarks>
internal sealed class AnswerGate(AckLevel ack)
{
    private readonly Queue<(long Offset, PendingCommand Pending, Reply Reply)> _held = [];
    private long _persistedOffset = -1;

    internal int HeldCount => _held.Count;

    /// <summary>Why this node must not write now; empty: it may.</summary>
    internal string Refusal { get; private set; } = ack == AckLevel.Persisted
        ? "This node does not know yet how far the other nodes' journals are."
        : "";

    /// <summary>A command was applied.</summary>
    /// <param name="offset">Of its entry; not below that of the one before.</param>
    internal void Answer(long offset, PendingCommand pending, Reply reply)
    {
        if (ack != AckLevel.Persisted || offset <= _persistedOffset)
        {
            pending.Answer(reply);
            return;
        }
        pending.NoteApplied();
        _held.Enqueue((offset, pending, reply));
    }

    /// <summary>All up to this offset is persisted.</summary>
    internal void Note(long persistedOffset, string refusal)
    {
        Refusal = refusal;
        _persistedOffset = Math.Max(_persistedOffset, persistedOffset);
        while (_held.TryPeek(out var oldest) && oldest.Offset <= _persistedOffset)
        {
            _held.Dequeue().Pending.Answer(oldest.Reply);
        }
    }

    /// <summary>Nobody will tell any more.</summary>
    internal void Fail(string why)
    {
        while (_held.TryDequeue(out var oldest))
        {
            oldest.Pending.Fail(KvError.NotPersisted, $"{PendingCommand.NotPersistedText} {why}");
        }
    }
}
