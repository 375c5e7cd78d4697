namespace Kv.Actors.Log.Amqp;

/// <summary>
/// What one channel has published and the broker has not confirmed. Bookkeeping only: no I/O, no clock,
/// and not thread safe.
/// </summary>
/// <example>
/// Window of 4 after publishing 1, 2, 3: [1 2 3]. Ack 2: [1 3]. Return of 3: [1 3 returned]. Ack 3 and all
/// before it: [] with 1 confirmed and 3 refused, since a returned message is confirmed too, and lost.
/// </example>
internal sealed class ConfirmWindow(int max)
{
    // In sequence order. A slot whose caller has stopped waiting stays: the broker may still take the
    // message.
    private readonly List<Slot> _slots = new(max);

    // The broker numbers a channel's publishes from 1; so do we, and both count every publish.
    private ulong _sequence;

    public bool IsEmpty => _slots.Count == 0;

    public bool IsFull => _slots.Count >= max;

    /// <summary>When the longest unconfirmed publish is overdue, ms, or null.</summary>
    public long? DeadlineMs => IsEmpty ? null : _slots[0].DeadlineMs;

    /// <summary>Takes a place, which must be free, and answers the publish's sequence number.</summary>
    public ulong Add(Publication publication, long deadlineMs)
    {
        if (IsFull) { throw new InvalidOperationException($"{max} publishes await their confirm already."); }
        _slots.Add(new Slot(++_sequence, publication, deadlineMs));
        return _sequence;
    }

    /// <summary>Frees the places an ack or nack names and answers who had them.</summary>
    public List<Slot> Take(ulong sequence, bool multiple)
    {
        List<Slot> taken = _slots.FindAll(IsNamed);
        _slots.RemoveAll(IsNamed);
        return taken;

        bool IsNamed(Slot slot) => multiple ? slot.Sequence <= sequence : slot.Sequence == sequence;
    }

    public List<Slot> TakeAll() => Take(ulong.MaxValue, multiple: true);

    /// <summary>
    /// Notes that the broker routed it nowhere; its ack is still to come. False if it is not here.
    /// </summary>
    public bool TryMarkReturned(ulong sequence, string reason)
    {
        Slot? slot = _slots.Find(slot => slot.Sequence == sequence);
        if (slot is not null) { slot.ReturnedBecause = reason; }
        return slot is not null;
    }

    /// <summary>Those whose time is over, in their places still.</summary>
    public List<Slot> Overdue(long nowMs) => _slots.FindAll(slot => slot.DeadlineMs <= nowMs);

    /// <summary>Gives all until <paramref name="deadlineMs"/>, however long they have waited.</summary>
    public void Extend(long deadlineMs) => _slots.ForEach(slot => slot.DeadlineMs = deadlineMs);

    internal sealed class Slot(ulong sequence, Publication publication, long deadlineMs)
    {
        public ulong Sequence { get; } = sequence;

        public Publication Publication { get; } = publication;

        public long DeadlineMs { get; set; } = deadlineMs;

        /// <summary>Why the broker routed it nowhere, or null if it did not say so.</summary>
        public string? ReturnedBecause { get; set; }
    }
}
