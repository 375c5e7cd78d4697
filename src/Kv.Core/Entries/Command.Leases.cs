namespace Kv.Core.Entries;

/// <summary>What becomes of leases. Who times them is not the store's business: it only counts.</summary>
public abstract partial record Command
{
    /// <summary>Makes a lease.</summary>
    /// <param name="LeaseId">Not 0, and of no other lease.</param>
    /// <param name="TtlSeconds">
    /// Raised to <see cref="KvLimits.LeaseTtlSecondsMin"/>; refused above
    /// <see cref="KvLimits.LeaseTtlSecondsMax"/>.
    /// </param>
    public sealed record LeaseGrant(long LeaseId, long TtlSeconds) : Command;

    /// <summary>Ends a lease and deletes its keys, at one revision.</summary>
    public sealed record LeaseRevoke(long LeaseId) : Command;

    /// <summary>The lease begins its time to live anew.</summary>
    public sealed record LeaseRenew(long LeaseId) : Command;

    /// <summary>
    /// Ends leases whose time is over, unless one was renewed since whoever proposes this looked.
    /// </summary>
    public sealed record LeaseExpire(IReadOnlyList<LeaseExpiry> Leases) : Command;

    /// <summary>
    /// What is left of leases, so that whoever times them from a snapshot does not begin anew.
    /// </summary>
    public sealed record LeaseCheckpoint(IReadOnlyList<LeaseRemainder> Leases) : Command;
}

/// <param name="RenewedBehind">
/// <see cref="Store.LeaseTable.Lease.RenewedBehind"/> when its time was found to be over.
/// </param>
public readonly record struct LeaseExpiry(long LeaseId, long RenewedBehind);

/// <param name="RenewedBehind">
/// <see cref="Store.LeaseTable.Lease.RenewedBehind"/> when this was measured.
/// </param>
public readonly record struct LeaseRemainder(long LeaseId, long RenewedBehind, long RemainingMs);
