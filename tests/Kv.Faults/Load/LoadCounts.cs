namespace Kv.Faults.Load;

/// <summary>What the clients met. Any thread.</summary>
/// <param name="now">Ms, never going back.</param>
internal sealed class LoadCounts(Func<long> now)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _reasons = [];
    private readonly HashSet<long> _orders = [];
    private long _lastSuccessMs = now();

    public long Ok { get; private set; }

    public long Refused { get; private set; }

    /// <summary>Operations whose outcome was never learnt.</summary>
    public long Unknown { get; private set; }

    /// <summary>Calls whose answer did not tell the outcome; each may have been applied.</summary>
    public long UnknownCalls { get; private set; }

    /// <summary>Calls repeated with their request id.</summary>
    public long Repeats { get; private set; }

    /// <summary>Operations whose outcome a repeat has told, or that a former call had taken.</summary>
    public long ToldByRepeat { get; private set; }

    /// <summary>Longest time in which no client had a success, ms.</summary>
    public long OutageMsMax { get; private set; }

    /// <summary>A place that the store gave to two operations; 0: none.</summary>
    public long OrderGivenTwice { get; private set; }

    /// <summary>Why calls failed, most frequent first.</summary>
    public IReadOnlyList<(string Reason, int Count)> Reasons
    {
        get
        {
            lock (_gate) { return [.. _reasons.Select(Pair).OrderByDescending(static pair => pair.Item2)]; }
        }
    }

    /// <param name="order">The operation's place, as the reply says.</param>
    public void Succeed(long order, bool wasRepeated)
    {
        lock (_gate)
        {
            EndOutage();
            Ok++;
            if (wasRepeated) { ToldByRepeat++; }
            if (!_orders.Add(order)) { OrderGivenTwice = order; }
        }
    }

    public void Refuse() { lock (_gate) { Refused++; } }

    public void LoseTrack() { lock (_gate) { Unknown++; } }

    public void Repeat() { lock (_gate) { Repeats++; } }

    public void NoteFailure(CallOutcome outcome)
    {
        lock (_gate)
        {
            if (outcome is CallOutcome.Unknown) { UnknownCalls++; }
            string reason = outcome switch
            {
                CallOutcome.Unknown unknown => $"unknown: {Shortened(unknown.Why)}",
                CallOutcome.Refused refused => $"refused: {Shortened(refused.Why)}",
                _ => "",
            };
            _reasons[reason] = _reasons.GetValueOrDefault(reason) + 1;
        }
    }

    /// <summary>The time without success that is not over counts, too.</summary>
    public void End() { lock (_gate) { EndOutage(); } }

    private void EndOutage()
    {
        long nowMs = now();
        OutageMsMax = Math.Max(OutageMsMax, nowMs - _lastSuccessMs);
        _lastSuccessMs = nowMs;
    }

    // Without what makes each one different.
    private static string Shortened(string reason)
    {
        int end = reason.IndexOfAny(['\n', '"', '(']);
        string text = end < 0 ? reason : reason[..end];
        return text.Length <= 110 ? text : text[..110];
    }

    private static (string, int) Pair(KeyValuePair<string, int> pair) => (pair.Key, pair.Value);
}
