using System.Globalization;
using System.Text;
using Kv.Faults.Load;

namespace Kv.Faults;

/// <summary>What a run leaves for people: a page of Markdown beside its history and logs.</summary>
internal static class Report
{
    public static void Write(RunOptions options, Run run)
    {
        LoadCounts counts = run.Counts;
        var text = new StringBuilder();
        bool passed = run.Checks.All(static check => check.Passed);
        Line($"# Fault run, seed {options.Seed}: {(passed ? "passed" : "failed")}");
        Line($"");
        Line($"    {options}");
        Line($"");
        Line($"3 nodes, {options.Brokers} broker(s), {Workload.Clients} clients, {run.LoadS:0} s of load.");
        Line($"");
        Line($"| operations | |");
        Line($"|---|---|");
        Line($"| succeeded | {counts.Ok} ({counts.Ok / run.LoadS:0.0} per second) |");
        Line($"| refused | {counts.Refused} |");
        Line($"| outcome unknown | {counts.Unknown} |");
        Line($"| calls repeated with their request id | {counts.Repeats} |");
        Line($"| unknown outcomes that a repetition told | {counts.ToldByRepeat} |");
        Line($"| longest time without any success | {counts.OutageMsMax} ms |");
        Line($"");
        Line($"| fault survived | times |");
        Line($"|---|---|");
        foreach ((Faults.FaultKind kind, int times) in run.Survived.OrderBy(static pair => pair.Key))
        {
            Line($"| {kind} | {times} |");
        }
        Line($"");
        Line($"| check | | |");
        Line($"|---|---|---|");
        foreach (Checks.CheckResult check in run.Checks)
        {
            string result = check.Passed ? "passed" : "**failed**";
            Line($"| {check.What} | {result} | {Cell(check.Detail)} |");
        }
        Line($"");
        Line($"| why calls failed | times |");
        Line($"|---|---|");
        foreach ((string reason, int times) in counts.Reasons)
        {
            Line($"| {Cell(reason)} | {times} |");
        }
        File.WriteAllText(Path.Combine(options.ReportDirectory, "report.md"), text.ToString());

        void Line(FormattableString line) =>
            text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
    }

    private static string Cell(string text) =>
        text.ReplaceLineEndings("<br>").Replace("|", "\\|", StringComparison.Ordinal);
}
