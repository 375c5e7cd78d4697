using Kv.Cli.Commands;
using Kv.Core.Snapshots;
using Genesis = Kv.Core.Entries.Genesis;

namespace Kv.Cli.Snapshots;

/// <summary>What came of a command on a snapshot.</summary>
/// <param name="Summary">What is in the file.</param>
internal sealed record SnapshotReport(Command.Snapshot Command, SnapshotSummary Summary)
{
    /// <summary>The node it was saved from; empty: none was asked.</summary>
    public string Node { get; init; } = "";

    public bool IsOfHaltedNode { get; init; }

    /// <summary>What the restored node will found; null: nothing was restored.</summary>
    public Genesis? NewCluster { get; init; }
}
