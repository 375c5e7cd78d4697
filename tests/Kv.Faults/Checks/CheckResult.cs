namespace Kv.Faults.Checks;

/// <summary>One thing that must hold of a run.</summary>
/// <param name="What">A sentence.</param>
/// <param name="Detail">Figures, or what is wrong.</param>
internal sealed record CheckResult(string What, bool Passed, string Detail);
