namespace Kv.Core.Merge;

/// <summary>
/// Which sequence numbers of each (node, incarnation) were seen: tells duplicates and gaps.
/// </summary>
public sealed class SenderTable
{
    private readonly Dictionary<SenderRun, Sender> _senders = [];
    private long _touches;

    /// <summary>One run of a node.</summary>
    public readonly record struct SenderRun(string NodeId, long Incarnation);

    /// <summary>A sender as it travels in the state exchange.</summary>
    public sealed record Seen(SenderRun Sender, IReadOnlyList<SequenceRanges.Range> Ranges);

    public int Count => _senders.Count;

    /// <summary>Messages known to be missing.</summary>
    public long Missing
    {
        get
        {
            long missing = 0;
            foreach (Sender sender in _senders.Values)
            {
                if (sender.Numbers.HasGap) { missing += sender.Numbers.Missing; }
            }
            return missing;
        }
    }

    /// <summary>Remembers a message; false when it was seen before.</summary>
    public bool Record(SenderRun run, long sequence)
    {
        if (!_senders.TryGetValue(run, out Sender? sender)) { sender = Insert(run); }
        sender.TouchedAt = ++_touches;
        return sender.Numbers.Add(sequence);
    }

    public List<Seen> Export()
    {
        List<Seen> seen = new(_senders.Count);
        foreach ((SenderRun run, Sender sender) in _senders)
        {
            seen.Add(new Seen(run, [.. sender.Numbers.Ranges]));
        }
        return seen;
    }

    /// <summary>
    /// Takes over what a peer has seen whose versions have been merged completely. Numbers above our highest
    /// are left out, because those messages are on their way to us and want to be counted and logged here.
    /// </summary>
    /// <param name="own">This node's own run, which is not taken over: its messages answer callers.</param>
    /// <param name="adoptUnknown">
    /// Take over senders not heard of: right for a node that starts, to which their past would look like a
    /// gap.
    /// </param>
    public void Import(IReadOnlyList<Seen> seen, SenderRun own, bool adoptUnknown)
    {
        ArgumentNullException.ThrowIfNull(seen);
        foreach (Seen other in seen)
        {
            if (other.Sender == own) { continue; }
            if (_senders.TryGetValue(other.Sender, out Sender? sender))
            {
                sender.Numbers.UnionWith(other.Ranges, sender.Numbers.Highest);
            }
            else if (adoptUnknown)
            {
                Insert(other.Sender).Numbers.UnionWith(other.Ranges, long.MaxValue);
            }
        }
    }

    /// <summary>Gives up every gap: no live peer has what is missing.</summary>
    public void CloseGaps()
    {
        foreach (Sender sender in _senders.Values) { sender.Numbers.CloseGaps(); }
    }

    private Sender Insert(SenderRun run)
    {
        if (_senders.Count >= MergeLimits.SendersMax)
        {
            SenderRun oldest = _senders.MinBy(entry => entry.Value.TouchedAt).Key;
            _senders.Remove(oldest);
        }
        var sender = new Sender { TouchedAt = ++_touches };
        _senders.Add(run, sender);
        return sender;
    }

    private sealed class Sender
    {
        public SequenceRanges Numbers { get; } = new();

        public long TouchedAt { get; set; }
    }
}
