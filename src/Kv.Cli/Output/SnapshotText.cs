using System.Text.Json;
using Kv.Cli.Commands;
using Kv.Cli.Snapshots;
using Kv.Core.Snapshots;
using Digest = Kv.Core.Entries.Digest;
using Genesis = Kv.Core.Entries.Genesis;

namespace Kv.Cli.Output;

/// <summary>What is in a snapshot, and what was done with it.</summary>
internal static class SnapshotText
{
    public static void Write(TextWriter writer, SnapshotReport report)
    {
        SnapshotSummary summary = report.Summary;
        SnapshotHeader header = summary.Header;
        string file = TerminalText.Escape(report.Command.File);
        switch (report.Command)
        {
            case Command.SnapshotSave:
                string halted = report.IsOfHaltedNode ? ", which has halted" : "";
                writer.Write($"saved {file} from {TerminalText.Escape(report.Node)}{halted}: "
                    + $"offset {header.AppliedOffset}, revision {header.Revision}, {summary.Keys} keys, "
                    + $"{summary.BytesLength} bytes\n");
                break;
            case Command.SnapshotRestore restore:
                string directory = TerminalText.Escape(Path.GetFullPath(restore.DataDirectory));
                writer.Write($"""
                    restored {summary.Keys} keys at revision {header.Revision} for the new cluster {Cluster(
                        report.NewCluster!)} in {directory}
                    Start one node there, first and alone; the cluster is founded when it is ready.
                      one process:  kv-host --data-dir {directory}
                      on a broker:  the same with AMQP_URL and an EXCHANGE_NAME that was never used there
                    Other nodes of the new cluster start with empty data directories and KV_CLUSTER=join; they
                    take their state from a node that runs.

                    """);
                break;
            default:
                WriteStatus(writer, summary);
                break;
        }
    }

    public static void Write(Utf8JsonWriter json, SnapshotReport report)
    {
        SnapshotSummary summary = report.Summary;
        SnapshotHeader header = summary.Header;
        json.WriteString("file", report.Command.File);
        if (report.Command is Command.SnapshotSave)
        {
            json.WriteString("node", report.Node);
            json.WriteBoolean("halted", report.IsOfHaltedNode);
        }

        if (report.NewCluster is { } founded)
        {
            var restore = (Command.SnapshotRestore)report.Command;
            json.WriteString("data_dir", Path.GetFullPath(restore.DataDirectory));
            json.WriteString("new_cluster_id", Cluster(founded));
            json.WriteString("new_base", founded.Base.ToString());
        }

        json.WriteString("cluster_id", Cluster(header.Genesis));
        json.WriteBoolean("is_base", header.IsBase);
        json.WriteString("base", header.Genesis.Base.ToString());
        json.WriteNumber("cluster_size", header.Genesis.ClusterSize);
        json.WriteNumber("applied_offset", header.AppliedOffset);
        json.WriteNumber("revision", header.Revision);
        json.WriteNumber("order", header.Order);
        json.WriteNumber("keys", summary.Keys);
        json.WriteNumber("producers", summary.Producers);
        json.WriteNumber("requests", summary.Requests);
        json.WriteString("digest", header.Chain.ToString());
        json.WriteString("state_digest", summary.StateDigest.ToString());
        json.WriteNumber("bytes", summary.BytesLength);
    }

    private static void WriteStatus(TextWriter writer, SnapshotSummary summary)
    {
        SnapshotHeader header = summary.Header;
        string offset = header.IsBase
            ? "none: the base of a cluster, before its log"
            : $"{header.AppliedOffset}";
        Digest from = header.Genesis.Base;
        Fact("cluster", Cluster(header.Genesis));
        Fact("founded on", from == Digest.Zero ? "nothing" : from.ToString());
        Fact("applied offset", offset);
        Fact("revision", $"{header.Revision}");
        Fact("order", $"{header.Order}");
        Fact("keys", $"{summary.Keys}");
        Fact("producers", $"{summary.Producers}");
        Fact("requests", $"{summary.Requests}");
        Fact("digest", header.Chain.ToString());
        Fact("state digest", summary.StateDigest.ToString());
        Fact("bytes", $"{summary.BytesLength}");

        void Fact(string name, string value) => writer.Write($"{name,-15} {value}\n");
    }

    private static string Cluster(Genesis genesis) => genesis.ClusterId.ToString("x16");
}
