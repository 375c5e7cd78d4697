namespace Kv.Actors.Tests.Simulation;

/// <summary>Virtual time: what is to happen, in order; at equal times in the order it was planned.</summary>
internal sealed class Timeline : TimeProvider
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly PriorityQueue<Action, (long AtMs, long Number)> _events = new();
    private long _planned;

    internal long NowMs { get; private set; }

    internal long Steps { get; private set; }

    internal void In(long delayMs, Action happen) =>
        _events.Enqueue(happen, (NowMs + Math.Max(0, delayMs), ++_planned));

    internal void RunNext()
    {
        if (!_events.TryDequeue(out Action? happen, out (long AtMs, long Number) at))
        {
            throw new SimulationFailure("Nothing is left to happen.");
        }
        NowMs = at.AtMs;
        Steps++;
        happen();
    }

    public override DateTimeOffset GetUtcNow() => Start.AddMilliseconds(NowMs);
}

/// <summary>Every random choice of a run, from one seed.</summary>
internal sealed class Dice(int seed)
{
    private readonly Random _random = new(seed);

    /// <summary>From <paramref name="min"/> to <paramref name="max"/>, both inclusive.</summary>
    internal int Between(int min, int max) => _random.Next(min, max + 1);

    internal bool Chance(double probability) => _random.NextDouble() < probability;

    internal T Pick<T>(IReadOnlyList<T> items) => items[_random.Next(items.Count)];

    internal UInt128 Number() => new((ulong)_random.NextInt64(), (ulong)_random.NextInt64());
}

/// <summary>A check found something wrong.</summary>
internal sealed class SimulationFailure(string message) : Exception(message);
