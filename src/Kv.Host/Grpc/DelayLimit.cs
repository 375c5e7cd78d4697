using Kv.Core;

namespace Kv.Host.Grpc;

/// <summary>
/// How many calls may be under way: as many as end in <see cref="KvLimits.CallDelayMsTarget"/>, between two
/// bounds. With more, what is taken in would only wait, up to its deadline, while what is refused costs more
/// the later it is. Any thread.
/// </summary>
/// <remarks>
/// By Little's law calls under way are rate times delay, so that the delay of calls that ended tells how much
/// too many there are. It is a mean in which each call counts by its own delay, as whoever waits sees it:
/// quick refusals and quick reads among slow writes do not hide them.
/// </remarks>
internal sealed class DelayLimit(int callsMin, int callsMax, TimeProvider clock)
{
    /// <summary>How long calls are watched before the limit changes, ms.</summary>
    internal const int WindowMs = 250;

    /// <summary>Part by which the limit grows in a window in which it was in the way.</summary>
    private const int GrowthPart = 8;

    private readonly Lock _lock = new();
    private readonly int _callsMax = callsMax;
    private int _limit = callsMax;
    private int _underWay;
    private bool _refused;

    // Of the calls that ended in this window, ms.
    private double _sum;
    private double _sumOfSquares;
    private long _windowBegan = clock.GetTimestamp();

    internal int Limit => Volatile.Read(ref _limit);

    /// <param name="began">For <see cref="Leave"/>.</param>
    /// <returns>False: there are too many; nothing is to be left.</returns>
    internal bool TryEnter(out long began)
    {
        began = clock.GetTimestamp();
        if (Interlocked.Increment(ref _underWay) <= Volatile.Read(ref _limit))
        {
            return true;
        }
        Interlocked.Decrement(ref _underWay);
        Volatile.Write(ref _refused, true);
        return false;
    }

    internal void Leave(long began)
    {
        Interlocked.Decrement(ref _underWay);
        long now = clock.GetTimestamp();
        double ms = clock.GetElapsedTime(began, now).TotalMilliseconds;
        lock (_lock)
        {
            _sum += ms;
            _sumOfSquares += ms * ms;
            if (clock.GetElapsedTime(_windowBegan, now).TotalMilliseconds >= WindowMs)
            {
                EndWindow(now);
            }
        }
    }

    private void EndWindow(long now)
    {
        double delayMs = _sum > 0 ? _sumOfSquares / _sum : 0;
        if (delayMs > KvLimits.CallDelayMsTarget)
        {
            // Calls of before the last change still end: at most by half at once.
            double part = Math.Max(0.5, KvLimits.CallDelayMsTarget / delayMs);
            _limit = Math.Max(callsMin, (int)(_limit * part));
        }
        else if (Volatile.Read(ref _refused))
        {
            _limit = Math.Min(_callsMax, _limit + (_limit / GrowthPart) + 1);
        }
        Volatile.Write(ref _refused, false);
        (_sum, _sumOfSquares, _windowBegan) = (0, 0, now);
    }
}
