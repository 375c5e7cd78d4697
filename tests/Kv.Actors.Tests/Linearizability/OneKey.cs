using Kv.Testing.Histories;
using Kv.Testing.Linearizability;

namespace Kv.Actors.Tests.Linearizability;

/// <summary>Short ways to write a history of one key in tests.</summary>
internal static class OneKey
{
    internal static Operation Put(string value, long calledAt, long returnedAt = Operation.Never) =>
        New(OperationKind.Put, calledAt, returnedAt) with { Value = value };

    internal static Operation Get(string? read, long calledAt, long returnedAt) =>
        New(OperationKind.Get, calledAt, returnedAt) with { Read = read };

    internal static Operation Delete(bool? found, long calledAt, long returnedAt = Operation.Never) =>
        New(OperationKind.Delete, calledAt, returnedAt) with { Succeeded = found };

    internal static Operation Swap(
        string? expected, string value, bool? swapped, long calledAt, long returnedAt = Operation.Never) =>
        New(OperationKind.CompareAndSwap, calledAt, returnedAt) with
        {
            Expected = expected,
            Value = value,
            Succeeded = swapped,
        };

    internal static Verdict Check(params IEnumerable<Operation> history) =>
        LinearizabilityChecker.Check(history, TimeSpan.FromMinutes(1));

    private static Operation New(OperationKind kind, long calledAt, long returnedAt) => new()
    {
        Id = calledAt,
        Client = "c",
        Kind = kind,
        Key = "k",
        CalledAt = calledAt,
        ReturnedAt = returnedAt,
    };
}
