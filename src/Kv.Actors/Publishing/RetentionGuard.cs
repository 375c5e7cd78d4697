using Kv.Actors.Nodes;
using Kv.Core.Entries;

namespace Kv.Actors.Publishing;

/// <summary>
/// Decides before a command is published whether the log may still grow by it: never so far that the broker
/// truncates what no majority of snapshots covers.
/// </summary>
/// <param name="limits">Null: this log is never truncated by size.</param>
internal sealed class RetentionGuard(RetentionLimits? limits)
{
    private long _uncoveredBytes;
    private int _clusterSize;

    /// <summary>From the store: how much is behind the covered offset, and of how many members.</summary>
    /// <param name="waiting">
    /// Let in before and not published yet: what is refused now is failed and removed.
    /// </param>
    /// <returns>True: some were.</returns>
    internal bool Note(long uncoveredBytes, int clusterSize, Queue<PendingCommand> waiting)
    {
        (_uncoveredBytes, _clusterSize) = (uncoveredBytes, clusterSize);
        if (limits is null || uncoveredBytes <= limits.WritesBytesMax(clusterSize))
        {
            return false;
        }
        int before = waiting.Count;
        for (int left = before; left > 0; left--)
        {
            PendingCommand pending = waiting.Dequeue();
            if (!Refuse(pending))
            {
                waiting.Enqueue(pending);
            }
        }
        return waiting.Count < before;
    }

    /// <returns>True: the command must not be published now, and its caller was told.</returns>
    internal bool Refuse(PendingCommand pending)
    {
        string? refusal = Refusal(pending.Command);
        if (refusal is not null)
        {
            pending.Fail(KvError.LogFull, refusal);
        }
        return refusal is not null;
    }

    private string? Refusal(Command command) => command switch
    {
        _ when limits is null => null,
        Command.Set or Command.Del or Command.Put or Command.DeleteRange or Command.Txn
            or Command.LeaseGrant or Command.LeaseRevoke or Command.Auth
            when _uncoveredBytes > limits.WritesBytesMax(_clusterSize) =>
            $"{Explain(limits, _uncoveredBytes, _clusterSize)} Writes are refused until then; nothing was "
                + "published.",
        Command.Get or Command.Print or Command.Barrier or Command.Range or Command.LeaseRenew
            when _uncoveredBytes > limits.ReadsBytesMax(_clusterSize) =>
            $"{Explain(limits, _uncoveredBytes, _clusterSize)} Until then only local reads are answered; "
                + "nothing was published.",
        // What the log needs to get on: snapshots taken, the cluster's size; and what makes room: compaction,
        // the ends of leases.
        _ => null,
    };

    /// <summary>For status: what is wrong or soon will be; null: nothing.</summary>
    internal static string? Alarm(RetentionLimits limits, long uncoveredBytes, int clusterSize)
    {
        long max = limits.WritesBytesMax(clusterSize);
        if (uncoveredBytes <= max / 4 * 3)
        {
            return null;
        }
        string explained = Explain(limits, uncoveredBytes, clusterSize);
        return uncoveredBytes > max
            ? $"writes are refused: {explained}"
            : $"writes will be refused soon: {explained}";
    }

    private static string Explain(RetentionLimits limits, long uncoveredBytes, int clusterSize)
    {
        long max = limits.WritesBytesMax(clusterSize);
        return max <= 0
            ? $"The log keeps {limits.LogBytesMax} bytes (KV_LOG_BYTES_MAX), too few for a cluster of "
                + $"{clusterSize}: it needs more than {limits.LogBytesMax - max}, or a smaller cluster "
                + "(kv cluster-size)."
            : $"{uncoveredBytes} bytes of the log are in the snapshots of no majority of the cluster; "
                + $"{max} may be. Start the members that are away and see the alarms of each (a disk may be "
                + "full); if members are gone for good, say so with kv cluster-size.";
    }
}
