using Kv.Core.Entries;

namespace Kv.Core.Store;

/// <summary>
/// The chain digests of the last entries, to compare with what a producer says it has seen: a difference
/// means that the log was rewritten under one of us.
/// </summary>
public sealed class ChainHistory(int digestsMax)
{
    // a ring, offsets strictly increasing from _start
    private readonly Link[] _ring = new Link[digestsMax];
    private int _start;
    private int _count;

    public void Add(long offset, Digest chain)
    {
        int end = (_start + _count) % digestsMax;
        _ring[end] = new Link(offset, chain);
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
    /// True when the digest agrees or the offset is too old to tell; false when it is another one, or when
    /// no entry stands at that offset here.
    /// </summary>
    public bool Agrees(long offset, Digest chain)
    {
        if (_count == 0 || offset < At(0).Offset)
        {
            return true;
        }
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
        return At(low) == new Link(offset, chain);
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

    internal readonly record struct Link(long Offset, Digest Chain);
}
