using Kv.Core.Entries;

namespace Kv.Core.Store;

/// <summary>
/// The digests of the last entries, to compare with what a producer says it has seen and with what peers
/// announce: another chain means that the log was rewritten under one of us, other contents at an equal chain
/// that one of us applied it wrongly.
/// </summary>
public sealed class ChainHistory(int digestsMax)
{
    // a ring, offsets strictly increasing from _start
    private readonly Link[] _ring = new Link[digestsMax];
    private int _start;
    private int _count;

    /// <param name="contents">Zero: not known, as behind a restored snapshot.</param>
    public void Add(long offset, Digest chain, Digest contents)
    {
        int end = (_start + _count) % digestsMax;
        _ring[end] = new Link(offset, chain, contents);
        if (_count < digestsMax)
        {
            _count++;
        }
        else
        {
            _start = (_start + 1) % digestsMax;
        }
    }

    /// <summary>
    /// False when another history than ours leads to that chain digest, or none of ours has an entry there;
    /// true when it is ours or too old to tell.
    /// </summary>
    public bool Agrees(long offset, Digest chain) =>
        Compare(offset, chain, Digest.Zero) is HistoryVerdict.Agrees or HistoryVerdict.TooOld;

    /// <param name="contents">Zero: not known.</param>
    public HistoryVerdict Compare(long offset, Digest chain, Digest contents)
    {
        if (_count == 0 || offset < At(0).Offset)
        {
            return HistoryVerdict.TooOld;
        }
        if (offset > At(_count - 1).Offset)
        {
            return HistoryVerdict.Ahead;
        }
        Link ours = At(FirstAtOrBeyond(offset));
        if (ours.Offset != offset || ours.Chain != chain)
        {
            return HistoryVerdict.OtherHistory;
        }
        bool isComparable = contents != Digest.Zero && ours.Contents != Digest.Zero;
        return isComparable && contents != ours.Contents
            ? HistoryVerdict.OtherContents
            : HistoryVerdict.Agrees;
    }

    private int FirstAtOrBeyond(long offset)
    {
        int low = 0;
        int high = _count - 1;
        while (low < high)
        {
            int middle = low + ((high - low) / 2);
            if (At(middle).Offset < offset)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }
        return low;
    }

    /// <summary>Oldest first.</summary>
    internal Link[] ToArray()
    {
        var links = new Link[_count];
        for (int i = 0; i < _count; i++)
        {
            links[i] = At(i);
        }
        return links;
    }

    private Link At(int index) => _ring[(_start + index) % digestsMax];

    internal readonly record struct Link(long Offset, Digest Chain, Digest Contents);
}
