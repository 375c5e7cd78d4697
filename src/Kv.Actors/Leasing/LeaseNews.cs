using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Leasing;

/// <summary>Gathers which leases a run of entries was about. Costs nothing where there are none.</summary>
internal sealed class LeaseNews
{
    private readonly HashSet<long> _touched = [];

    public void Note(AppliedEntry applied)
    {
        if (applied.Fate != EntryFate.Applied)
        {
            return;
        }
        foreach (LoggedCommand logged in applied.Entry!.Commands)
        {
            Note(logged.Command);
        }
    }

    /// <summary>What became of them; empties itself.</summary>
    public IReadOnlyList<LeaseChange> Take(LeaseTable leases)
    {
        if (_touched.Count == 0)
        {
            return [];
        }
        List<LeaseChange> changes = new(_touched.Count);
        foreach (long id in _touched)
        {
            changes.Add(leases.Find(id) is { } lease
                ? ChangeOf(lease)
                : new LeaseChange(id, 0, 0, IsGone: true));
        }
        _touched.Clear();
        return changes;
    }

    /// <summary>All leases there are; empties itself.</summary>
    public IReadOnlyList<LeaseChange> TakeAll(LeaseTable leases)
    {
        _touched.Clear();
        return [.. leases.All.Select(ChangeOf)];
    }

    private static LeaseChange ChangeOf(LeaseTable.Lease lease) =>
        new(lease.Id, lease.RenewedBehind, lease.RemainingMs);

    private void Note(Command command)
    {
        switch (command)
        {
            case Command.LeaseGrant grant:
                _touched.Add(grant.LeaseId);
                break;
            case Command.LeaseRenew renew:
                _touched.Add(renew.LeaseId);
                break;
            case Command.LeaseRevoke revoke:
                _touched.Add(revoke.LeaseId);
                break;
            case Command.LeaseExpire expire:
                _touched.UnionWith(expire.Leases.Select(static lease => lease.LeaseId));
                break;
            case Command.LeaseCheckpoint checkpoint:
                _touched.UnionWith(checkpoint.Leases.Select(static lease => lease.LeaseId));
                break;
        }
    }
}
