using Kv.Testing.Histories;
using Step = Kv.Testing.Linearizability.RegisterModel.Step;

namespace Kv.Testing.Linearizability;

/// <summary>The search for an order of one key's operations, depth first.</summary>
/// <remarks>
/// Operations that were answered have to be placed between call and answer. One that fits and only looks is
/// placed at once and never moved: whatever works with it later works with it now. Those of
/// unknown outcome need not be placed at all, and that is what keeps many of them cheap: one is tried only
/// where it changes the state, where nothing else fits, and where the operation behind it depends on that
/// state. Any order that works can be brought into this form by moving the others to its end.
/// </remarks>
internal sealed class KeySearch
{
    private const int StepsBetweenLooksAtClock = 1_024;

    private readonly string _key;
    private readonly RegisterModel _model = new();
    private readonly Step[] _answered;
    private readonly Step[] _unknown;

    // For each unknown operation the one before it that has the same effect, or -1. Any can stand for the
    // others, so they are placed in this order.
    private readonly int[] _likeBefore;
    private readonly Step[] _swaps;
    private readonly EventList _events;
    private readonly PrefixSet _placed;
    private readonly PrefixSet _placedUnknown;
    private readonly HashSet<Configuration> _seen = [];
    private readonly Stack<Choice> _path = [];
    private int _state = RegisterModel.Nothing;
    private int _answeredPlaced;
    private Choice? _last;
    private Choice? _best;
    private int _bestPlaced = -1;

    internal KeySearch(string key, IEnumerable<Operation> operations)
    {
        _key = key;
        Step[] steps =
        [
            .. operations.OrderBy(static operation => operation.CalledAt).Select(_model.Translate),
        ];
        _answered = [.. steps.Where(static step => !step.Operation.IsUnknown)];
        _unknown =
        [
            .. steps.Where(
                static step => step.Operation.IsUnknown && step.Operation.Kind != OperationKind.Get),
        ];
        _swaps = [.. _unknown.Where(static step => step.Operation.Kind == OperationKind.CompareAndSwap)];
        _likeBefore = FindLikes(_unknown);
        _events = new EventList(_answered);
        _placed = new PrefixSet(_answered.Length);
        _placedUnknown = new PrefixSet(_unknown.Length);
    }

    /// <summary>One operation placed behind <paramref name="Before"/>.</summary>
    /// <param name="IsFree">It only looked, so nothing else need be tried in its place.</param>
    private sealed record Choice(bool IsUnknown, bool IsFree, int Index, int StateBefore, Choice? Before);

    internal Verdict Run(Func<bool> isLate)
    {
        int steps = 0;
        // What to try next in the present configuration.
        var cursor = Cursor.Start(_events);
        while (_answeredPlaced < _answered.Length)
        {
            if (++steps % StepsBetweenLooksAtClock == 0 && isLate())
            {
                return new Verdict.Undecided(_key);
            }
            if (TryPlaceNext(ref cursor))
            {
                cursor = Cursor.Start(_events);
                continue;
            }
            if (_answeredPlaced > _bestPlaced)
            {
                _bestPlaced = _answeredPlaced;
                _best = _last is { IsUnknown: true } ? _last.Before : _last;
            }
            if (_path.Count == 0)
            {
                return Explain();
            }
            cursor = TakeBack();
        }
        return new Verdict.Linearizable();
    }

    /// <summary>Places the first of the cursor's candidates that fits and leads somewhere new.</summary>
    private bool TryPlaceNext(ref Cursor cursor)
    {
        bool mustObserve = _last is { IsUnknown: true };
        if (cursor.IsFresh && FindFree() is { } free)
        {
            cursor = Cursor.Spent(_unknown.Length);
            return TryPlace(isUnknown: false, free, _answered[free]);
        }
        cursor = cursor with { IsFresh = false };
        while (EventList.IsCall(cursor.Event))
        {
            int index = EventList.OperationOf(cursor.Event);
            cursor = cursor with { Event = _events.Next(cursor.Event) };
            Step step = _answered[index];
            if ((!mustObserve || step.Observes) && TryPlace(isUnknown: false, index, step))
            {
                return true;
            }
        }
        long timeMax = _events.FirstReturnAt();
        while (cursor.Unknown < _unknown.Length)
        {
            int index = cursor.Unknown;
            cursor = cursor with { Unknown = index + 1 };
            Step step = _unknown[index];
            if (step.Operation.CalledAt > timeMax)
            {
                break;
            }
            bool isNext = !_placedUnknown.Contains(index)
                && (_likeBefore[index] < 0 || _placedUnknown.Contains(_likeBefore[index]));
            if (isNext
                && (!mustObserve || step.Observes)
                && RegisterModel.Apply(step, _state) is { } after
                && after != _state
                && IsObserved(after, timeMax)
                && TryPlace(isUnknown: true, index, step))
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>An operation that fits here and only looks.</summary>
    private int? FindFree()
    {
        for (int call = _events.First; EventList.IsCall(call); call = _events.Next(call))
        {
            Step step = _answered[EventList.OperationOf(call)];
            if (step.NeverWrites && RegisterModel.Apply(step, _state) is not null)
            {
                return EventList.OperationOf(call);
            }
        }
        return null;
    }

    /// <summary>Can what follows depend on this state?</summary>
    private bool IsObserved(int state, long timeMax)
    {
        for (int call = _events.First; EventList.IsCall(call); call = _events.Next(call))
        {
            Step step = _answered[EventList.OperationOf(call)];
            if (step.Observes && RegisterModel.Apply(step, state) is not null)
            {
                return true;
            }
        }
        return Array.Exists(
            _swaps, swap => swap.Expected == state && swap.Operation.CalledAt <= timeMax);
    }

    private static int[] FindLikes(Step[] unknown)
    {
        Dictionary<(OperationKind, int, int), int> last = [];
        var likeBefore = new int[unknown.Length];
        for (int i = 0; i < unknown.Length; i++)
        {
            var effect = (unknown[i].Operation.Kind, unknown[i].Value, unknown[i].Expected);
            likeBefore[i] = last.GetValueOrDefault(effect, -1);
            last[effect] = i;
        }
        return likeBefore;
    }

    private bool TryPlace(bool isUnknown, int index, Step step)
    {
        if (RegisterModel.Apply(step, _state) is not { } after)
        {
            return false;
        }
        PrefixSet placed = isUnknown ? _placedUnknown : _placed;
        placed.Add(index);
        if (!_seen.Add(Capture(after, isUnknown)))
        {
            placed.Remove(index);
            return false;
        }
        _last = new Choice(isUnknown, !isUnknown && step.NeverWrites, index, _state, _last);
        _path.Push(_last);
        _state = after;
        if (!isUnknown)
        {
            _events.Lift(index);
            _answeredPlaced++;
        }
        return true;
    }

    private Cursor TakeBack()
    {
        Choice choice = _path.Pop();
        _last = choice.Before;
        _state = choice.StateBefore;
        if (choice.IsUnknown)
        {
            _placedUnknown.Remove(choice.Index);
            return new Cursor(IsFresh: false, _events.FirstReturn(), choice.Index + 1);
        }
        _placed.Remove(choice.Index);
        _events.PutBack(choice.Index);
        _answeredPlaced--;
        return choice.IsFree
            ? Cursor.Spent(_unknown.Length)
            : new Cursor(IsFresh: false, _events.Next(EventList.CallOf(choice.Index)), 0);
    }

    private Configuration Capture(int state, bool mustObserve)
    {
        int answeredWords = _placed.WordsNeeded;
        var words = new ulong[1 + answeredWords + _placedUnknown.WordsNeeded];
        words[0] = ((ulong)state << 1) | (mustObserve ? 1UL : 0UL);
        _placed.CopyTo(words.AsSpan(1, answeredWords));
        _placedUnknown.CopyTo(words.AsSpan(1 + answeredWords));
        return new Configuration(words);
    }

    private Verdict.Violated Explain()
    {
        List<Step> prefix = [];
        HashSet<int> placed = [];
        HashSet<int> placedUnknown = [];
        for (Choice? choice = _best; choice is not null; choice = choice.Before)
        {
            prefix.Add(choice.IsUnknown ? _unknown[choice.Index] : _answered[choice.Index]);
            (choice.IsUnknown ? placedUnknown : placed).Add(choice.Index);
        }
        prefix.Reverse();
        int state = prefix.Aggregate(
            RegisterModel.Nothing, static (before, step) => RegisterModel.Apply(step, before) ?? before);
        List<Operation> open =
        [
            .. _answered.Index()
                .Where(numbered => !placed.Contains(numbered.Index))
                .Select(static numbered => numbered.Item.Operation),
        ];
        long timeMax = open.Min(static operation => operation.ReturnedAt);
        return new Verdict.Violated(
            _key,
            [.. prefix.Select(static step => step.Operation)],
            _model.Show(state),
            [.. open.Where(operation => operation.CalledAt <= timeMax)],
            [
                .. _unknown.Index()
                    .Where(numbered => !placedUnknown.Contains(numbered.Index)
                        && numbered.Item.Operation.CalledAt <= timeMax)
                    .Select(static numbered => numbered.Item.Operation),
            ]);
    }

    /// <summary>
    /// What is still to be tried: calls from an event on, then unknown ones from an index on.
    /// </summary>
    /// <param name="IsFresh">Nothing was tried yet.</param>
    private readonly record struct Cursor(bool IsFresh, int Event, int Unknown)
    {
        internal static Cursor Start(EventList events) => new(IsFresh: true, events.First, 0);

        /// <summary>Nothing is left to be tried.</summary>
        internal static Cursor Spent(int unknownCount) => new(IsFresh: false, EventList.End, unknownCount);
    }
}
