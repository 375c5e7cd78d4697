using Step = Kv.Testing.Linearizability.RegisterModel.Step;

namespace Kv.Testing.Linearizability;

/// <summary>
/// Calls and returns of answered operations in the order of their times, as a linked list from which an
/// operation can be lifted and put back in constant time, last lifted first.
/// </summary>
/// <remarks>
/// Event 2i is operation i's call, 2i + 1 its return. At equal times calls come first: whoever cannot be
/// told apart counts as concurrent.
/// </remarks>
internal sealed class EventList
{
    internal const int End = -1;

    private readonly Step[] _steps;
    private readonly int[] _next;
    private readonly int[] _previous;

    internal EventList(Step[] steps)
    {
        _steps = steps;
        int count = 2 * steps.Length;
        _next = new int[count];
        _previous = new int[count];
        int[] order =
        [
            .. Enumerable.Range(0, count)
                .OrderBy(TimeOf)
                .ThenBy(static happened => happened & 1)
                .ThenBy(static happened => happened),
        ];
        First = count == 0 ? End : order[0];
        for (int i = 0; i < count; i++)
        {
            _previous[order[i]] = i == 0 ? End : order[i - 1];
            _next[order[i]] = i == count - 1 ? End : order[i + 1];
        }
    }

    internal int First { get; private set; }

    internal static int OperationOf(int happened) => happened >> 1;

    internal static int CallOf(int operation) => operation << 1;

    /// <summary>False for returns, and for <see cref="End"/>.</summary>
    internal static bool IsCall(int happened) => (happened & 1) == 0;

    internal int Next(int happened) => _next[happened];

    /// <summary>The first return still in the list: no call behind it can be placed yet.</summary>
    internal int FirstReturn()
    {
        int happened = First;
        while (happened != End && IsCall(happened))
        {
            happened = _next[happened];
        }
        return happened;
    }

    internal long FirstReturnAt()
    {
        int happened = FirstReturn();
        return happened == End ? long.MaxValue : TimeOf(happened);
    }

    internal void Lift(int operation)
    {
        Unlink(2 * operation);
        Unlink((2 * operation) + 1);
    }

    internal void PutBack(int operation)
    {
        Link((2 * operation) + 1);
        Link(2 * operation);
    }

    private void Unlink(int happened)
    {
        (int previous, int next) = (_previous[happened], _next[happened]);
        if (previous == End)
        {
            First = next;
        }
        else
        {
            _next[previous] = next;
        }
        if (next != End)
        {
            _previous[next] = previous;
        }
    }

    private void Link(int happened)
    {
        (int previous, int next) = (_previous[happened], _next[happened]);
        if (previous == End)
        {
            First = happened;
        }
        else
        {
            _next[previous] = happened;
        }
        if (next != End)
        {
            _previous[next] = happened;
        }
    }

    private long TimeOf(int happened)
    {
        Step step = _steps[happened >> 1];
        return (happened & 1) == 0 ? step.Operation.CalledAt : step.Operation.ReturnedAt;
    }
}
