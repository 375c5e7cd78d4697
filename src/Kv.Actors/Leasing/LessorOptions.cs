namespace Kv.Actors.Leasing;

/// <summary>How leases are timed; docs/leases.md says what the figures add up to.</summary>
public sealed record LessorOptions
{
    /// <summary>Time between two looks at the leases, ms.</summary>
    public int TickMs { get; init; } = 100;

    /// <summary>
    /// Time a lease is left beyond its end, ms: a client that counts from the answer to its last keep-alive
    /// is not wrong as long as that answer took less.
    /// </summary>
    public int MarginMs { get; init; } = 400;

    /// <summary>Time for which nothing may have been wrong before a lease is ended, ms.</summary>
    public int GraceMs { get; init; } = 2_000;

    /// <summary>
    /// A command of the lessor that has no answer for so long, ms, or a process that did not run for so long:
    /// the time of leases does not run meanwhile.
    /// </summary>
    public int StallMs { get; init; } = 1_000;

    /// <summary>
    /// The log must have taken something for this node within so long, ms, before a lease is ended; a barrier
    /// is sent to see.
    /// </summary>
    public int ProofMs { get; init; } = 300;

    /// <summary>Time before a lease's end, ms, from which on a silent log is looked at.</summary>
    public int LeadMs { get; init; } = 1_000;

    /// <summary>A log that was silent for so long, ms, is looked at then.</summary>
    public int SilenceMs { get; init; } = 500;

    /// <summary>
    /// Each node waits so much longer, ms, than the one before it in the order of ids: for an expiry to come
    /// by that another one has proposed.
    /// </summary>
    public int RankDelayMs { get; init; } = 400;

    /// <summary>Time between two checkpoints of a lease, ms: etcd's.</summary>
    public int CheckpointIntervalMs { get; init; } = 300_000;

    /// <summary>Most leases in one command: a millisecond of applying where few keys hang on each.</summary>
    public int BatchMax { get; init; } = 1_024;

    /// <summary>Wait before what failed is tried again, ms.</summary>
    public int RetryDelayMs { get; init; } = 500;

    /// <summary>Most renewals handed to the publisher and not answered; more wait here.</summary>
    public int RenewalsInFlightMax { get; init; } = 1_024;

    /// <summary>Most keep-alives that wait for an answer, 100 B each. Beyond: RESOURCE_EXHAUSTED.</summary>
    public int KeepAlivesWaitingMax { get; init; } = 65_536;

    /// <summary>
    /// Place of this node among those that may end leases, from 0, until the membership says otherwise.
    /// </summary>
    public int Rank { get; init; }

    /// <summary>
    /// What a client may count from an answer that was so long in coming, s: the lease's time had begun
    /// before. 0 or less: nothing, the lease may be over.
    /// </summary>
    public long SecondsToTell(long ttlSeconds, double tookMs) =>
        ttlSeconds - (long)Math.Ceiling(Math.Max(0, tookMs - MarginMs) / 1_000);
}
