namespace Kv.Actors.Presence;

/// <summary>Times of presence. The defaults fit a cluster on one network.</summary>
public sealed record PresenceOptions
{
    /// <summary>Between two announcements, ms, from 10.</summary>
    public int IntervalMs { get; init; } = 1_000;

    /// <summary>
    /// How long a starting node waits for answers to its question who is there, ms, from 10.
    /// </summary>
    public int WhoWaitMs { get; init; } = 1_000;

    /// <summary>
    /// Silence after which a member is not asked for anything, ms; some announcements may get lost.
    /// </summary>
    public int SilentMs { get; init; } = 5_000;

    /// <summary>
    /// Silence after which a member is no member, ms. Until then queue mode keeps tombstones for it; a node
    /// that is away for longer loses what only it has.
    /// </summary>
    public int ForgetMs { get; init; } = 600_000;

    /// <summary>
    /// Most members listed; further ones are not heard. Far above what one exchange serves well.
    /// </summary>
    public int MembersMax { get; init; } = 256;

    public PresenceOptions Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(IntervalMs, 10);
        ArgumentOutOfRangeException.ThrowIfLessThan(WhoWaitMs, 10);
        ArgumentOutOfRangeException.ThrowIfLessThan(SilentMs, IntervalMs);
        ArgumentOutOfRangeException.ThrowIfLessThan(ForgetMs, SilentMs);
        ArgumentOutOfRangeException.ThrowIfLessThan(MembersMax, 1);
        return this;
    }
}
