using System.Buffers.Binary;
using System.Diagnostics;
using Kv.Core.Entries;
using Kv.Core.Snapshots;

namespace Kv.Core.Store;

/// <summary>Leases and alarms.</summary>
public sealed partial class KeyValueStore
{
    private readonly LeaseTable _leases = new();
    private readonly SortedSet<RaisedAlarm> _alarms = new(Comparer<RaisedAlarm>.Create(
        static (one, other) => (one.MemberId, one.Kind).CompareTo((other.MemberId, other.Kind))));

    public LeaseTable Leases => _leases;

    /// <summary>By member and kind.</summary>
    public IReadOnlyCollection<RaisedAlarm> Alarms => _alarms;

    private Reply ApplyLeaseCommand(Command command)
    {
        switch (command)
        {
            case Command.LeaseGrant grant:
                StoreError? refusal = RefusedByAlarm(adds: true)
                    ?? _leases.Grant(grant.LeaseId, grant.TtlSeconds, AppliedOffset);
                return refusal is { } why ? Refused(why) : Leased(_leases.Find(grant.LeaseId)!);
            case Command.LeaseRenew renew:
                if (_leases.Find(renew.LeaseId) is not { } renewed)
                {
                    return Refused(StoreError.LeaseNotFound);
                }
                _leases.Renew(renewed, AppliedOffset);
                return Leased(renewed);
            case Command.LeaseRevoke revoke:
                if (_leases.Find(revoke.LeaseId) is not { } revoked)
                {
                    return Refused(StoreError.LeaseNotFound);
                }
                End(revoked);
                return Done(order: 0) with { Revision = _keys.RevisionNow };
            case Command.LeaseExpire expire:
                foreach (LeaseExpiry over in expire.Leases)
                {
                    if (_leases.Find(over.LeaseId) is { } lease && lease.RenewedBehind == over.RenewedBehind)
                    {
                        End(lease);
                        // A revision to each lease, as if each were revoked.
                        Order += _keys.EndTransaction() ? 1 : 0;
                    }
                }
                return Done(order: 0);
            case Command.LeaseCheckpoint checkpoint:
                foreach (LeaseRemainder remainder in checkpoint.Leases)
                {
                    _leases.Checkpoint(remainder);
                }
                return Done(order: 0);
            default:
                throw new UnreachableException($"Unknown command {command.GetType().Name}.");
        }
    }

    private void End(LeaseTable.Lease lease)
    {
        foreach (byte[] key in lease.Keys())
        {
            Delete(key);
        }
        _leases.Remove(lease);
    }

    private Reply.Leased Leased(LeaseTable.Lease lease) =>
        new(lease.Id, lease.TtlSeconds) { Revision = Revision, Order = 0 };

    private Reply.Done ApplyAlarm(Command.Alarm alarm)
    {
        var raised = new RaisedAlarm(alarm.MemberId, alarm.Kind);
        if (!alarm.IsRaised)
        {
            _alarms.Remove(raised);
        }
        else if (_alarms.Count < KvLimits.AlarmsMax)
        {
            _alarms.Add(raised);
        }
        return Done(order: 0);
    }

    private StoreError? RefusedByAlarm(bool adds)
    {
        foreach (RaisedAlarm alarm in _alarms)
        {
            if (alarm.Kind == AlarmKind.Corrupt)
            {
                return StoreError.Corrupt;
            }
            if (adds && alarm.Kind == AlarmKind.NoSpace)
            {
                return StoreError.NoSpace;
            }
        }
        return null;
    }

    private UInt128 AlarmsHash()
    {
        UInt128 sum = 0;
        Span<byte> bytes = stackalloc byte[sizeof(ulong) + 1];
        foreach (RaisedAlarm alarm in _alarms)
        {
            BinaryPrimitives.WriteUInt64BigEndian(bytes, alarm.MemberId);
            bytes[^1] = (byte)alarm.Kind;
            Digest hash = Digest.Of(bytes);
            sum += new UInt128(hash.High, hash.Low);
        }
        return sum;
    }

    private void RestoreLeases(SnapshotContents contents)
    {
        foreach (LeaseRecord record in contents.Leases)
        {
            _leases.Add(LeaseTable.Lease.Of(record));
        }
        if (_leases.Count == 0)
        {
            return;
        }
        foreach ((_, KeyRecord record) in _keys.Live.Scan())
        {
            if (record.LeaseId != 0)
            {
                _leases.Attach(record);
            }
        }
    }
}

/// <summary>An alarm that is on.</summary>
public readonly record struct RaisedAlarm(ulong MemberId, AlarmKind Kind);
