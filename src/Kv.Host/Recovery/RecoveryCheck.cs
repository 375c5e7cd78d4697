using System.Globalization;
using Kv.Core.Entries;
using Kv.Core.Store;
using Kv.Protos.V1;

namespace Kv.Host.Recovery;

/// <summary>
/// May a cluster be recovered from this node's state? Only if no member that could be asked has more or
/// other entries, and if enough of them could be asked that every write acknowledged as persisted is known to
/// one of them. Pure.
/// </summary>
/// <param name="store">This node's state.</param>
/// <param name="clusterSize">Members of the cluster; 0: not known.</param>
internal sealed class RecoveryCheck(KeyValueStore store, int clusterSize)
{
    private readonly string _clusterId = store.Genesis!.ClusterId.ToString("x16", CultureInfo.InvariantCulture);
    private readonly List<string> _objections = [];
    private readonly HashSet<string> _agreeing = [];

    /// <summary>This node once had more than could be read: its word is no longer what it was.</summary>
    public void TakeOwnLoss(string what) => _objections.Add(
        $"This node has lost something itself: {what} Recover from another node, if one has as much.");

    /// <summary>A peer's word.</summary>
    public void Take(Uri peer, StatusReply status)
    {
        string who = $"{status.Node} ({peer.Authority}, {status.State}, offset {status.AppliedOffset})";
        if (status.ClusterId.Length == 0 || status.AppliedOffset < 0)
        {
            // It is empty, or could not open its log: it has nothing to say.
            return;
        }
        if (status.ClusterId != _clusterId)
        {
            _objections.Add(
                $"{who} belongs to cluster {status.ClusterId}, not {_clusterId}: if that is this cluster after "
                + "its recovery, this node joins it with kv-host recover --join.");
        }
        else if (status.State == "ready")
        {
            _objections.Add($"{who} still serves the cluster: there is nothing to recover, or it is to be "
                + "stopped first.");
        }
        else if (status.AppliedOffset > store.AppliedOffset)
        {
            _objections.Add($"{who} has more than this node, which is at offset {store.AppliedOffset}: recover "
                + "there.");
        }
        else
        {
            Compare(who, status);
        }
    }

    /// <returns>Why not; empty: it may.</returns>
    public IReadOnlyList<string> Objections()
    {
        if (clusterSize == 0)
        {
            return
            [
                .. _objections,
                "How many members the cluster has was never recorded: say so with --cluster-size.",
            ];
        }
        int needed = (clusterSize / 2) + 1;
        int known = 1 + _agreeing.Count;
        return known >= needed
            ? _objections
            :
            [
                .. _objections,
                $"Of {clusterSize} members {known} could be compared, this one included; a majority is {needed}. "
                + "Leave halted nodes running, start stopped ones, and name them with --peers.",
            ];
    }

    private void Compare(string who, StatusReply status)
    {
        HistoryVerdict verdict = TryParse(status.Digest) is { } chain
            ? store.Compare(status.AppliedOffset, chain, contents: Digest.Zero)
            : HistoryVerdict.OtherHistory;
        if (verdict == HistoryVerdict.Agrees)
        {
            _agreeing.Add(status.Node);
        }
        // Too far behind to be compared, it neither speaks for this node nor against it.
        else if (verdict != HistoryVerdict.TooOld)
        {
            _objections.Add(
                $"{who} has another history up to its offset than this node: one of the two was led by a log "
                + "that was rewritten. Compare their data (kv snapshot save --halted) before you choose.");
        }
    }

    private static Digest? TryParse(string text) =>
        UInt128.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out UInt128 digits)
            ? new Digest((ulong)(digits >> 64), (ulong)digits)
            : null;
}
