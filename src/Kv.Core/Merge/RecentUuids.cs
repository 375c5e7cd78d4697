namespace Kv.Core.Merge;

/// <summary>
/// The plain messages seen last, by uuid. A plain message has no time of its own, so a redelivery would be
/// stamped anew and overwrite what was written since; this is what recognises it.
/// </summary>
public sealed class RecentUuids
{
    private readonly HashSet<UInt128> _known = [];

    // In the order of arrival: the first is forgotten first.
    private readonly Queue<UInt128> _order = new();

    public int Count => _known.Count;

    /// <summary>Remembers a uuid; false when it is known.</summary>
    public bool Add(UInt128 uuid)
    {
        if (!_known.Add(uuid)) { return false; }
        _order.Enqueue(uuid);
        if (_order.Count > MergeLimits.RecentUuidsMax) { _known.Remove(_order.Dequeue()); }
        return true;
    }

    public void AddAll(IReadOnlyList<UInt128> uuids)
    {
        ArgumentNullException.ThrowIfNull(uuids);
        foreach (UInt128 uuid in uuids) { Add(uuid); }
    }

    public UInt128[] Export() => [.. _order];
}
