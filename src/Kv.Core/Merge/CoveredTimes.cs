namespace Kv.Core.Merge;

/// <summary>
/// The Lamport times this store may have forgotten tombstones of. A key that is absent here, or older here,
/// was not written at a covered time, or was deleted since: a version from such a time is discarded.
/// </summary>
/// <remarks>
/// A span begins where its group of nodes began, not at 0: a node that started empty knows nothing of the
/// time before and must not discard what a returning node brings from there. See
/// docs/adr/0010-queue-tombstone-floor.md.
/// </remarks>
public sealed class CoveredTimes
{
    // Sorted, disjoint; each covers After < t <= Through.
    private readonly List<Span> _spans = [];

    /// <summary>Covers After &lt; t ≤ Through.</summary>
    public readonly record struct Span(long After, long Through);

    public IReadOnlyList<Span> Spans => _spans;

    public bool IsEmpty => _spans.Count == 0;

    /// <summary>Largest covered time; 0 when there is none.</summary>
    public long Floor => IsEmpty ? 0 : _spans[^1].Through;

    public bool Contains(long time)
    {
        foreach (Span span in _spans)
        {
            if (time > span.After && time <= span.Through) { return true; }
        }
        return false;
    }

    /// <summary>
    /// A group's beginning: nothing is covered yet, and nothing up to this time ever will be by it.
    /// </summary>
    public void Begin(long time)
    {
        if (IsEmpty) { _spans.Add(new Span(time, time)); }
    }

    /// <summary>
    /// All that any known member has up to this time is here: covers everything from the earliest beginning
    /// on.
    /// </summary>
    public void RaiseTo(long floor)
    {
        if (IsEmpty || floor <= Floor) { return; }
        long after = _spans[0].After;
        _spans.Clear();
        _spans.Add(new Span(after, floor));
    }

    /// <summary>Adds what another store covers, whose versions have been merged completely.</summary>
    public void UnionWith(IReadOnlyList<Span> others)
    {
        ArgumentNullException.ThrowIfNull(others);
        List<Span> all = [.. _spans, .. others];
        all.Sort((left, right) => left.After.CompareTo(right.After));
        _spans.Clear();
        foreach (Span span in all)
        {
            if (!IsEmpty && span.After <= Floor)
            {
                _spans[^1] = _spans[^1] with { Through = Math.Max(Floor, span.Through) };
            }
            else
            {
                _spans.Add(span);
            }
        }
        // Forgetting the oldest span can bring a deleted key back but never loses a write.
        while (_spans.Count > MergeLimits.CoveredSpansMax) { _spans.RemoveAt(0); }
    }
}
