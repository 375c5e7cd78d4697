namespace Kv.Actors.Log.Amqp;

/// <summary>
/// Pauses that double from the shortest to the longest, each shortened at random by up to a half.
/// </summary>
/// <remarks>
/// Not thread safe. The jitter keeps nodes that lost the same broker from returning in step.
/// </remarks>
internal sealed class Backoff(int delayMsMin, int delayMsMax)
{
    private int _failures;
    private long _retryAtMs = long.MinValue;

    /// <summary>How long it still lasts, ms; 0 when an attempt may be made.</summary>
    public int RemainingMs => (int)Math.Max(0, _retryAtMs - Math.Min(Environment.TickCount64, _retryAtMs));

    /// <summary>Starts the next pause and answers its length, ms.</summary>
    public int Fail()
    {
        // 20 doublings of the shortest pause are beyond any longest one allowed.
        long delayMs = Math.Min(delayMsMax, (long)delayMsMin << Math.Min(_failures++, 20));
        int jitteredMs = (int)(delayMs - Random.Shared.NextInt64(delayMs / 2 + 1));
        _retryAtMs = Environment.TickCount64 + jitteredMs;
        return jitteredMs;
    }

    public void Reset()
    {
        _failures = 0;
        _retryAtMs = long.MinValue;
    }
}
