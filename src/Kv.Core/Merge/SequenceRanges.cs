namespace Kv.Core.Merge;

/// <summary>A set of sequence numbers from 1 on that is nearly without gaps, in bounded memory.</summary>
public sealed class SequenceRanges
{
    // Sorted, disjoint, not adjacent; the first may begin above 1. Empty: nothing was seen.
    private readonly List<Range> _ranges = [];

    /// <summary>From and Through inclusive.</summary>
    public readonly record struct Range(long From, long Through);

    public IReadOnlyList<Range> Ranges => _ranges;

    /// <summary>Largest number in the set; 0 when it is empty.</summary>
    public long Highest => _ranges.Count == 0 ? 0 : _ranges[^1].Through;

    /// <summary>Numbers missing between 1 and the highest.</summary>
    public long Missing
    {
        get
        {
            long present = 0;
            foreach (Range range in _ranges) { present += range.Through - range.From + 1; }
            return Highest - present;
        }
    }

    public bool HasGap => _ranges.Count > 1 || (_ranges.Count == 1 && _ranges[0].From > 1);

    /// <summary>Adds one number; false when it was there.</summary>
    public bool Add(long number)
    {
        // The usual case: the next one.
        if (_ranges.Count > 0 && number == Highest + 1)
        {
            _ranges[^1] = _ranges[^1] with { Through = number };
            return true;
        }
        return AddRange(new Range(number, number));
    }

    /// <summary>Adds what the other set has, up to <paramref name="numberMax"/>.</summary>
    public void UnionWith(IReadOnlyList<Range> others, long numberMax)
    {
        ArgumentNullException.ThrowIfNull(others);
        foreach (Range other in others)
        {
            if (other.From > numberMax) { continue; }
            AddRange(other with { Through = Math.Min(other.Through, numberMax) });
        }
    }

    /// <summary>Gives up what is missing.</summary>
    public void CloseGaps()
    {
        if (!HasGap) { return; }
        long highest = Highest;
        _ranges.Clear();
        _ranges.Add(new Range(1, highest));
    }

    private bool AddRange(Range added)
    {
        int at = 0;
        while (at < _ranges.Count && _ranges[at].Through + 1 < added.From) { at++; }
        if (at < _ranges.Count && added.From >= _ranges[at].From && added.Through <= _ranges[at].Through)
        {
            return false;
        }
        long from = added.From;
        long through = added.Through;
        int end = at;
        while (end < _ranges.Count && _ranges[end].From <= through + 1)
        {
            from = Math.Min(from, _ranges[end].From);
            through = Math.Max(through, _ranges[end].Through);
            end++;
        }
        _ranges.RemoveRange(at, end - at);
        _ranges.Insert(at, new Range(from, through));
        if (_ranges.Count > MergeLimits.SequenceRangesMax)
        {
            // The oldest gap is given up: what it held is anti-entropy's by now.
            _ranges[1] = _ranges[1] with { From = 1 };
            _ranges.RemoveAt(0);
        }
        return true;
    }
}
