using Kv.Testing.Histories;

namespace Kv.Testing.Linearizability;

/// <summary>
/// A key as a register that holds a value or nothing. Values are numbered per key; 0 is nothing.
/// </summary>
internal sealed class RegisterModel
{
    internal const int Nothing = 0;

    private readonly Dictionary<string, int> _numbers = [];
    private readonly List<string> _values = ["nothing"];

    /// <summary>An operation with numbers in place of values.</summary>
    internal sealed record Step(Operation Operation, int Value, int Expected, int Read)
    {
        /// <summary>
        /// Does its outcome depend on what was there? An operation before one that does not can as well not
        /// have happened.
        /// </summary>
        internal bool Observes => Operation.Kind switch
        {
            OperationKind.Get => true,
            OperationKind.Put => false,
            OperationKind.Delete => Operation.Succeeded is not null,
            _ => true,
        };

        /// <summary>Wherever it fits, it leaves the state as it is.</summary>
        internal bool NeverWrites => Operation.Kind == OperationKind.Get || Operation.Succeeded == false;
    }

    internal Step Translate(Operation operation) => new(
        operation, NumberOf(operation.Value), NumberOf(operation.Expected), NumberOf(operation.Read));

    internal string Show(int state) => _values[state];

    /// <returns>The state after the step, or null: its answer cannot be given in this state.</returns>
    internal static int? Apply(Step step, int state)
    {
        bool? succeeded = step.Operation.Succeeded;
        switch (step.Operation.Kind)
        {
            case OperationKind.Get:
                return step.Operation.IsUnknown || state == step.Read ? state : null;
            case OperationKind.Put:
                return step.Value;
            case OperationKind.Delete:
                return succeeded is null || succeeded == (state != Nothing) ? Nothing : null;
            default:
                bool matches = state == step.Expected;
                if (succeeded is not null && succeeded != matches)
                {
                    return null;
                }
                return matches ? step.Value : state;
        }
    }

    private int NumberOf(string? value)
    {
        if (value is null)
        {
            return Nothing;
        }
        if (!_numbers.TryGetValue(value, out int number))
        {
            number = _values.Count;
            _values.Add(value);
            _numbers.Add(value, number);
        }
        return number;
    }
}
