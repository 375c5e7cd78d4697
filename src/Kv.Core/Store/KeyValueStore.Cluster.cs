using Kv.Core.Entries;
using Kv.Core.Snapshots;

namespace Kv.Core.Store;

/// <summary>The cluster's own settings, its versions, and what an operator has the store pass over.</summary>
public sealed partial class KeyValueStore
{
    private static readonly Digest SkippedMark = Digest.Of("skipped"u8);

    /// <summary>What the log says of the cluster itself.</summary>
    public ClusterSettings Cluster { get; } = new();

    /// <summary>A store that goes on as the one that was captured would.</summary>
    /// <exception cref="SnapshotException">The rules do not have the cluster's version.</exception>
    internal static KeyValueStore Restore(SnapshotContents contents, StoreRules rules)
    {
        var restored = new KeyValueStore(contents, rules);
        return rules.Runs(restored.Cluster.Version)
            ? restored
            : throw new SnapshotException(
                SnapshotFault.OtherVersion,
                $"Its cluster has version {restored.Cluster.Version}; this build runs {rules.Versions}.");
    }

    private AppliedEntry TakeUnreadable(long offset, Digest hash, int length, string why)
    {
        if (!_rules.SkipOffsets.Contains(offset))
        {
            return Ignored(
                EntryFate.Halt,
                hash,
                null,
                $"The entry at offset {offset} is not readable. {why} To go on without it, which loses what "
                    + $"it said, start every node of the cluster with --skip-offset {offset} "
                    + "(KV_SKIP_OFFSET).");
        }
        Chain = Chain.Chain(offset, SkippedMark);
        Advance(offset, hash, length);
        Cluster.NoteSkipped(offset);
        return Ignored(EntryFate.Skipped, hash, null, $"It is not readable, and was to be skipped. {why}");
    }

    private string? NeedsNewerBuild(LogEntry entry, long offset)
    {
        foreach (LoggedCommand logged in entry.Commands)
        {
            if (logged.Command is Command.ClusterVersion version && version.Version > _rules.VersionMax)
            {
                return $"At offset {offset} the cluster goes on with version {version.Version}; this build "
                    + $"runs {_rules.Versions}. Start this node with a newer build.";
            }
        }
        return null;
    }

    private Reply DoneUnless(StoreError? refused) =>
        refused is { } error ? Refused(error) : Done(order: 0);
}
