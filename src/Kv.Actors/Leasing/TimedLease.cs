namespace Kv.Actors.Leasing;

/// <summary>What became of a lease, as of the end of a run of entries.</summary>
/// <param name="RenewedBehind">See <see cref="Kv.Core.Store.LeaseTable.Lease.RenewedBehind"/>.</param>
/// <param name="RemainingMs">What to give it if it is timed from now on.</param>
/// <param name="IsGone">There is no such lease any more; the rest says nothing.</param>
public readonly record struct LeaseChange(
    long LeaseId, long RenewedBehind, long RemainingMs, bool IsGone = false);

/// <summary>A lease with the time that it ends at, in lease time.</summary>
internal sealed class TimedLease(long id)
{
    public long Id { get; } = id;

    public long RenewedBehind { get; set; }

    public long EndsAtMs { get; set; }

    /// <summary>When what is left is noted down next, in lease time; null: not any more.</summary>
    public long? CheckpointAtMs { get; set; }

    public bool IsGone { get; set; }
}
