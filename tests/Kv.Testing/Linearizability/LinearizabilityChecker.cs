using System.Diagnostics;
using Kv.Testing.Histories;

namespace Kv.Testing.Linearizability;

/// <summary>
/// Does a history look as if each operation had taken effect at one moment between its call and its answer?
/// </summary>
/// <remarks>
/// Keys are independent registers, so each key is checked alone (Herlihy and Wing, "Linearizability", 1990:
/// locality). The search is Wing and Gong's ("Testing and verifying concurrent objects", 1993) with Lowe's
/// memory of configurations ("Testing for linearizability", 2016).
/// </remarks>
public static class LinearizabilityChecker
{
    /// <param name="operations">In any order; ids are for people.</param>
    /// <param name="patience">Real time after which the answer is <see cref="Verdict.Undecided"/>.</param>
    public static Verdict Check(IEnumerable<Operation> operations, TimeSpan patience)
    {
        long started = Stopwatch.GetTimestamp();
        bool IsLate() => Stopwatch.GetElapsedTime(started) > patience;

        string? undecided = null;
        foreach (IGrouping<string, Operation> ofKey in operations
            .GroupBy(static operation => operation.Key)
            .OrderBy(static ofKey => ofKey.Key, StringComparer.Ordinal))
        {
            switch (new KeySearch(ofKey.Key, ofKey).Run(IsLate))
            {
                case Verdict.Violated violated:
                    return violated;
                case Verdict.Undecided:
                    undecided ??= ofKey.Key;
                    break;
            }
        }
        return undecided is null ? new Verdict.Linearizable() : new Verdict.Undecided(undecided);
    }
}
