namespace Kv.Actors.Leasing;

/// <summary>
/// Leases by a time each. A renewal, which only makes it later, costs nothing: the lease keeps its place and
/// is put further back when its turn comes. O(log n) otherwise.
/// </summary>
internal sealed class LeaseQueue
{
    /// <summary>Entries that lead nowhere are swept out when they are most, but not below this.</summary>
    private const int SweepMin = 64;

    private readonly PriorityQueue<TimedLease, long> _byTime = new();
    private readonly Dictionary<TimedLease, long> _places = new(ReferenceEqualityComparer.Instance);

    public int Count => _places.Count;

    /// <summary>The earliest time that may be due; null: the queue is empty.</summary>
    public long? NextAtMs
    {
        get
        {
            DropStale();
            return _byTime.TryPeek(out _, out long atMs) ? atMs : null;
        }
    }

    /// <summary>Its turn comes at that time, or at the one it has, if that is earlier.</summary>
    public void Add(TimedLease lease, long atMs)
    {
        if (_places.TryGetValue(lease, out long placeMs) && placeMs <= atMs)
        {
            return;
        }
        _places[lease] = atMs;
        _byTime.Enqueue(lease, atMs);
        Sweep();
    }

    public void Remove(TimedLease lease)
    {
        _places.Remove(lease);
        Sweep();
    }

    /// <summary>Takes out the first lease whose turn has come.</summary>
    public TimedLease? TakeDue(long nowMs)
    {
        DropStale();
        if (!_byTime.TryPeek(out TimedLease? lease, out long atMs) || atMs > nowMs)
        {
            return null;
        }
        _byTime.Dequeue();
        _places.Remove(lease);
        return lease;
    }

    private void DropStale()
    {
        while (_byTime.TryPeek(out TimedLease? lease, out long atMs)
            && !(_places.TryGetValue(lease, out long placeMs) && placeMs == atMs))
        {
            _byTime.Dequeue();
        }
    }

    private void Sweep()
    {
        if (_byTime.Count > Math.Max(SweepMin, 2 * _places.Count))
        {
            _byTime.Clear();
            _byTime.EnqueueRange(_places.Select(static place => (place.Key, place.Value)));
        }
    }
}
