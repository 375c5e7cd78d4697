using Kv.Testing.Histories;

namespace Kv.Actors.Tests.Linearizability;

/// <summary>Tries every order of every subset: right by being simple, for a handful of operations.</summary>
internal static class BruteForce
{
    internal static bool IsLinearizable(IReadOnlyList<Operation> history) => Goes(history, [], null);

    private static bool Goes(IReadOnlyList<Operation> history, List<Operation> placed, string? state)
    {
        List<Operation> open = [.. history.Where(operation => !placed.Contains(operation))];
        if (open.TrueForAll(static operation => operation.IsUnknown))
        {
            return true;
        }
        foreach (Operation next in open)
        {
            bool isTooLate = open.Exists(other => other.ReturnedAt < next.CalledAt);
            if (isTooLate || !Answers(next, state, out string? after))
            {
                continue;
            }
            if (Goes(history, [.. placed, next], after))
            {
                return true;
            }
        }
        return false;
    }

    private static bool Answers(Operation operation, string? state, out string? after)
    {
        switch (operation.Kind)
        {
            case OperationKind.Get:
                after = state;
                return operation.IsUnknown || operation.Read == state;
            case OperationKind.Put:
                after = operation.Value;
                return true;
            case OperationKind.Delete:
                after = null;
                return operation.Succeeded is null || operation.Succeeded == state is not null;
            default:
                bool matches = operation.Expected == state;
                after = matches ? operation.Value : state;
                return operation.Succeeded is null || operation.Succeeded == matches;
        }
    }
}
