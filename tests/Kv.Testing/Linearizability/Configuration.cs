using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace Kv.Testing.Linearizability;

/// <summary>
/// Where a search has been: which operations have taken effect, and the state then. Reached a second time,
/// it leads nowhere new.
/// </summary>
internal readonly struct Configuration : IEquatable<Configuration>
{
    private readonly ulong[] _words;
    private readonly int _hash;

    /// <param name="words">Everything that tells configurations apart; not to be changed afterwards.</param>
    internal Configuration(ulong[] words)
    {
        _words = words;
        _hash = (int)XxHash3.HashToUInt64(MemoryMarshal.AsBytes(words.AsSpan()));
    }

    public bool Equals(Configuration other) => _words.AsSpan().SequenceEqual(other._words);

    public override bool Equals(object? obj) => obj is Configuration other && Equals(other);

    public override int GetHashCode() => _hash;
}

/// <summary>
/// A set of small integers that fill up from below: what is full below and empty above takes no room in a
/// configuration.
/// </summary>
internal sealed class PrefixSet(int count)
{
    private readonly ulong[] _words = new ulong[(count / 64) + 1];

    // All words below are full.
    private int _low;

    // All words from here on are empty.
    private int _high;

    internal int WordsNeeded => 1 + Math.Max(0, _high - _low);

    internal bool Contains(int item) => (_words[item >> 6] & (1UL << item)) != 0;

    internal void Add(int item)
    {
        int word = item >> 6;
        _words[word] |= 1UL << item;
        _high = Math.Max(_high, word + 1);
        while (_low < _words.Length && _words[_low] == ulong.MaxValue)
        {
            _low++;
        }
    }

    internal void Remove(int item)
    {
        int word = item >> 6;
        _words[word] &= ~(1UL << item);
        _low = Math.Min(_low, word);
        while (_high > 0 && _words[_high - 1] == 0)
        {
            _high--;
        }
    }

    internal void CopyTo(Span<ulong> words)
    {
        words[0] = (ulong)_low;
        if (_high > _low)
        {
            _words.AsSpan(_low, _high - _low).CopyTo(words[1..]);
        }
    }
}
