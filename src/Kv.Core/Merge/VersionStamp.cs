using System.Globalization;

namespace Kv.Core.Merge;

/// <summary>
/// When and by whom a key was last written. Of two versions of a key the one with the larger stamp wins.
/// </summary>
/// <param name="Time">Lamport time; 1 or more.</param>
/// <param name="NodeId">Who wrote: a node id, or the sender_id of a message without our headers.</param>
/// <param name="Incarnation">Which run of the node; 0 for a message without our headers.</param>
/// <param name="Uuid">The message, see <see cref="MessageUuid"/>.</param>
public readonly record struct VersionStamp(long Time, string NodeId, long Incarnation, UInt128 Uuid)
    : IComparable<VersionStamp>
{
    public int CompareTo(VersionStamp other)
    {
        int order = Time.CompareTo(other.Time);
        if (order == 0) { order = string.CompareOrdinal(NodeId, other.NodeId); }
        if (order == 0) { order = Incarnation.CompareTo(other.Incarnation); }
        return order == 0 ? Uuid.CompareTo(other.Uuid) : order;
    }

    public static bool operator <(VersionStamp left, VersionStamp right) => left.CompareTo(right) < 0;

    public static bool operator >(VersionStamp left, VersionStamp right) => left.CompareTo(right) > 0;

    public static bool operator <=(VersionStamp left, VersionStamp right) => left.CompareTo(right) <= 0;

    public static bool operator >=(VersionStamp left, VersionStamp right) => left.CompareTo(right) >= 0;

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Time}@{NodeId}/{Incarnation:x}/{Uuid:x32}");
}
