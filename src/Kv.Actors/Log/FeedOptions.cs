namespace Kv.Actors.Log;

/// <summary>How the feed restarts.</summary>
public sealed record FeedOptions
{
    /// <summary>First wait before reading again, ms; doubles up to the next.</summary>
    public int RetryDelayMsMin { get; init; } = 100;

    public int RetryDelayMsMax { get; init; } = 3_000;

    /// <summary>Random share added to each wait, 0 to 1: nodes must not come back all at once.</summary>
    public double RetryJitter { get; init; } = 0.2;

    /// <summary>
    /// Longest wait for the store's word where to go on, ms. It may be busy with a long run of entries.
    /// </summary>
    public int ResumePointTimeoutMs { get; init; } = 30_000;

    /// <summary>Longest wait for a probe of the log's tail, ms; then another is made.</summary>
    public int ProbeTimeoutMs { get; init; } = 10_000;
}
