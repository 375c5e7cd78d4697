using Kv.Core.Store;

namespace Kv.Core.Watch;

/// <summary>Something that watches keys; in one index at a time.</summary>
public abstract class WatchIndexEntry(WatchedKeys keys)
{
    public WatchedKeys Keys { get; } = keys;

    /// <summary>Place in its group; -1: in none.</summary>
    internal int Slot { get; set; } = -1;

    internal bool IsIndexed => Slot >= 0;
}

/// <summary>
/// From a key to those that watch it: O(1) for watchers of single keys and O(log n + found) for ranges,
/// however many there are. Those of the same range are one group.
/// </summary>
public sealed class WatchIndex<T>
    where T : WatchIndexEntry
{
    private readonly Dictionary<ReadOnlyMemory<byte>, List<T>> _single = new(KeyBytes.Comparer);
    private readonly IntervalTree<List<T>> _ranges = new();

    public int Count { get; private set; }

    public void Add(T entry)
    {
        WatchedKeys keys = entry.Keys;
        List<T>? group;
        if (!keys.IsSingle)
        {
            group = _ranges.GetOrAdd(keys.Key, keys.End, static () => []);
        }
        else if (!_single.TryGetValue(keys.Key, out group))
        {
            _single[keys.Key] = group = [];
        }
        entry.Slot = group.Count;
        group.Add(entry);
        Count++;
    }

    /// <exception cref="InvalidOperationException">It is in no index.</exception>
    public void Remove(T entry)
    {
        WatchedKeys keys = entry.Keys;
        List<T>? group = keys.IsSingle
            ? _single.GetValueOrDefault(keys.Key)
            : _ranges.Find(keys.Key, keys.End);
        if (!entry.IsIndexed || group is null)
        {
            throw new InvalidOperationException("It is in no index.");
        }
        T last = group[^1];
        group[entry.Slot] = last;
        last.Slot = entry.Slot;
        entry.Slot = -1;
        group.RemoveAt(group.Count - 1);
        Count--;
        if (group.Count > 0)
        {
            return;
        }
        if (keys.IsSingle)
        {
            _single.Remove(keys.Key);
        }
        else
        {
            _ranges.Remove(keys.Key, keys.End);
        }
    }

    /// <summary>Adds all in whose range the key lies, whatever they filter.</summary>
    public void Collect(byte[] key, List<T> into)
    {
        if (_single.TryGetValue(key, out List<T>? group))
        {
            into.AddRange(group);
        }
        _ranges.Collect(key, into, static (found, to) => to.AddRange(found));
    }
}
