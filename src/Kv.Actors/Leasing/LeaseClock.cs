namespace Kv.Actors.Leasing;

/// <summary>
/// The time that counts against leases: the node's monotonic clock, less the time for which nothing could be
/// appended and the time for which this process did not run. Never the time of day.
/// </summary>
/// <remarks>
/// That the log is away shows late: commands have waited in vain for <see cref="LessorOptions.StallMs"/> by
/// then. The clock is put back to where it was when the log was last seen to get on. Leases thus only live
/// longer, never shorter.
/// </remarks>
internal sealed class LeaseClock(LessorOptions options)
{
    private bool _isRunning;
    private bool _isStalled;
    private bool _hasFailed;
    private long _wellSinceMs;
    private int _underWay;

    // The log took a command, or the first of those that wait was sent: monotonic and lease time.
    private (long AtMs, long AtLeaseMs) _progress;

    /// <summary>Lease time, ms: it stands still or is put back, and never jumps ahead.</summary>
    public long NowMs { get; private set; }

    /// <summary>The monotonic time last told, ms.</summary>
    public long AtMs { get; private set; }

    /// <summary>The log is away, or nobody knows.</summary>
    public bool IsAway => _isStalled || _hasFailed;

    /// <summary>When the last command was sent that the log is known to have taken, monotonic ms.</summary>
    public long ProvedAtMs { get; private set; } = long.MinValue / 2;

    /// <summary>Nothing was wrong for the grace period.</summary>
    public bool IsWell(long nowMs) => _isRunning && !IsAway && nowMs - _wellSinceMs >= options.GraceMs;

    /// <summary>Begins to run; the grace period begins, too.</summary>
    public void Start(long nowMs)
    {
        if (!_isRunning)
        {
            (AtMs, _wellSinceMs, _isRunning) = (nowMs, nowMs, true);
        }
    }

    /// <summary>Nothing is timed: nobody calls meanwhile, and that is no pause.</summary>
    public void Stop() => _isRunning = false;

    /// <summary>To be called first, whatever happens.</summary>
    public void Advance(long nowMs)
    {
        long passedMs = nowMs - AtMs;
        AtMs = nowMs;
        if (!_isRunning)
        {
            return;
        }
        if (passedMs > options.StallMs)
        {
            // This process stood still. What its clients sent meanwhile is not read yet.
            _wellSinceMs = nowMs;
        }
        else if (!IsAway)
        {
            NowMs += passedMs;
        }
        if (!_isStalled && _underWay > 0 && nowMs - _progress.AtMs > options.StallMs)
        {
            _isStalled = true;
            PutBack();
        }
    }

    public void NoteSent(LessorCommand command)
    {
        command.SentAtMs = AtMs;
        if (_underWay++ == 0)
        {
            _progress = (AtMs, NowMs);
        }
    }

    /// <param name="isTaken">The log took it.</param>
    public void NoteEnded(LessorCommand command, bool isTaken, long nowMs)
    {
        if (!isTaken)
        {
            NoteFailed();
            _underWay--;
            return;
        }
        _underWay--;
        if (IsAway)
        {
            _wellSinceMs = nowMs;
        }
        (_isStalled, _hasFailed) = (false, false);
        _progress = (nowMs, NowMs);
        ProvedAtMs = Math.Max(ProvedAtMs, command.SentAtMs);
    }

    /// <summary>Nothing can be appended, until the log takes a command.</summary>
    public void NoteFailed()
    {
        _hasFailed = true;
        if (_underWay > 0)
        {
            PutBack();
        }
    }

    private void PutBack() => NowMs = Math.Min(NowMs, _progress.AtLeaseMs);
}
