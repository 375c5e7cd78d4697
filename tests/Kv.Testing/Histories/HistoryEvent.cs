namespace Kv.Testing.Histories;

/// <summary>One line of a history file. Which fields a line has depends on its event and kind.</summary>
/// <remarks>
/// An example, one operation with its two events:
/// <code>
/// {"event":"call","op":7,"at":1200,"client":"c1","kind":"delete","key":"a"}
/// {"event":"return","op":7,"at":1450,"succeeded":true}
/// </code>
/// A call without a second line (the recorder died) has an unknown outcome.
/// </remarks>
public sealed record HistoryEvent
{
    public required EventKind Event { get; init; }

    /// <summary>Number of the operation, the same in its two events.</summary>
    public required long Op { get; init; }

    /// <summary>Time of the event; one clock for the whole file, in any unit.</summary>
    public required long At { get; init; }

    public string? Client { get; init; }

    public OperationKind? Kind { get; init; }

    public string? Key { get; init; }

    public string? Value { get; init; }

    public string? Expected { get; init; }

    /// <summary>Return of a get: what was read; absent: no such key.</summary>
    public string? Read { get; init; }

    public bool? Succeeded { get; init; }
}

public enum EventKind
{
    /// <summary>A client makes a call.</summary>
    Call = 1,

    /// <summary>It has the answer.</summary>
    Return = 2,

    /// <summary>It will never know what became of the call.</summary>
    Unknown = 3,

    /// <summary>It was told that the call did nothing and never will.</summary>
    Refused = 4,
}
