using Kv.Testing.Histories;

namespace Kv.Testing.Linearizability;

/// <summary>What a check of a history found.</summary>
public abstract record Verdict
{
    private Verdict() { }

    /// <summary>Every key's operations have an order that explains all answers.</summary>
    public sealed record Linearizable : Verdict;

    /// <summary>The time was over first.</summary>
    /// <param name="Key">The key whose check was under way.</param>
    public sealed record Undecided(string Key) : Verdict;

    /// <summary>One key's answers have no explanation.</summary>
    /// <param name="Prefix">The longest order found that explains its answers.</param>
    /// <param name="State">The key's value behind the prefix, as text.</param>
    /// <param name="Stuck">
    /// Operations one of which would have to be next: they were called before any other had to be over.
    /// </param>
    /// <param name="Unused">Operations of unknown outcome that the prefix made no use of.</param>
    public sealed record Violated(
        string Key,
        IReadOnlyList<Operation> Prefix,
        string State,
        IReadOnlyList<Operation> Stuck,
        IReadOnlyList<Operation> Unused) : Verdict
    {
        private const int PrefixShownMax = 12;

        public override string ToString()
        {
            int hidden = Math.Max(0, Prefix.Count - PrefixShownMax);
            List<string> lines =
            [
                $"The history of key {Key} is not linearizable. The longest order that explains its answers:",
            ];
            if (hidden > 0)
            {
                lines.Add($"    ({hidden} operations before)");
            }
            lines.AddRange(Prefix.Skip(hidden).Select(static operation => $"    {operation}"));
            lines.Add($"The key then holds: {State}. One of these would have to be next, and none can be:");
            lines.AddRange(Stuck.Select(static operation => $"    {operation}"));
            if (Unused.Count > 0)
            {
                lines.Add("Operations of unknown outcome that were called by then and do not help:");
                lines.AddRange(Unused.Select(static operation => $"    {operation}"));
            }
            return string.Join(Environment.NewLine, lines);
        }
    }
}
