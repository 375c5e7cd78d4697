namespace Kv.Testing.Histories;

/// <summary>One client's call on one key, from its invocation to its answer, as the client saw it.</summary>
/// <remarks>
/// Times are of one clock, in any unit. A call that certainly did nothing (refused before it was published)
/// is no operation: it is left out.
/// </remarks>
public sealed record Operation
{
    /// <summary>
    /// A <see cref="ReturnedAt"/> that never comes: the operation may take effect at any time.
    /// </summary>
    public const long Never = long.MaxValue;

    public required long Id { get; init; }

    public string Client { get; init; } = "";

    public required OperationKind Kind { get; init; }

    public required string Key { get; init; }

    /// <summary>Put and compare-and-swap: what is written.</summary>
    public string? Value { get; init; }

    /// <summary>Compare-and-swap: what must be there; null: nothing.</summary>
    public string? Expected { get; init; }

    public required long CalledAt { get; init; }

    /// <summary>When the answer came; <see cref="Never"/>: the outcome is unknown.</summary>
    public long ReturnedAt { get; init; } = Never;

    /// <summary>Get: what was read; null: no such key.</summary>
    public string? Read { get; init; }

    /// <summary>
    /// Delete: was there a key; compare-and-swap: was it swapped. Null: the answer does not say.
    /// </summary>
    public bool? Succeeded { get; init; }

    public bool IsUnknown => ReturnedAt == Never;

    /// <summary>For a person: "c1 put a = 7 (12..19)".</summary>
    public override string ToString()
    {
        string call = Kind switch
        {
            OperationKind.Get when IsUnknown => $"get {Key}",
            OperationKind.Get => $"get {Key} -> {Shown(Read)}",
            OperationKind.Put => $"put {Key} = {Shown(Value)}",
            OperationKind.Delete => $"delete {Key}{ShownOutcome()}",
            _ => $"cas {Key} {Shown(Expected)} -> {Shown(Value)}{ShownOutcome()}",
        };
        return $"{Client} {call} ({CalledAt}..{(IsUnknown ? "unknown" : ReturnedAt)})";
    }

    private string ShownOutcome() => Succeeded switch
    {
        null => "",
        true => ": done",
        false => ": refused",
    };

    private static string Shown(string? value) => value ?? "nothing";
}

public enum OperationKind
{
    Get = 1,
    Put = 2,
    Delete = 3,
    CompareAndSwap = 4,
}
