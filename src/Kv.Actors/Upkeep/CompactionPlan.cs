namespace Kv.Actors.Upkeep;

/// <summary>Decides when the history is compacted, and to where. Time is given to it.</summary>
/// <remarks>
/// Every node decides by itself; a tenth of what is kept is left over each time, so that those who look later
/// find that another node did it already.
/// </remarks>
internal sealed class CompactionPlan(CompactionPolicy policy)
{
    private const int SamplesPerPeriod = 10;

    // By age: what the revision was when, oldest first, a tenth of the period apart.
    private readonly Queue<(TimeSpan At, long Revision)> _samples = [];
    private TimeSpan _lastSample = TimeSpan.MinValue;

    /// <param name="now">Of a monotonic clock.</param>
    /// <param name="isFull">
    /// The history takes more memory than it may: half of it goes, whatever else is kept.
    /// </param>
    /// <returns>The revision to compact to; null: not now.</returns>
    public long? Next(TimeSpan now, long revision, long compacted, bool isFull = false)
    {
        long? target = policy switch
        {
            CompactionPolicy.Off => null,
            _ when isFull => compacted + ((revision - compacted + 1) / 2),
            CompactionPolicy.ByRevisions { Kept: var kept }
                when revision - compacted > kept + Math.Max(1, kept / 10) => revision - kept,
            CompactionPolicy.ByAge { Kept: var kept } => OlderThan(now, kept, revision),
            _ => null,
        };
        return target > compacted && target > 1 ? target : null;
    }

    private long? OlderThan(TimeSpan now, TimeSpan kept, long revision)
    {
        if (_lastSample == TimeSpan.MinValue || now - _lastSample >= kept / SamplesPerPeriod)
        {
            _samples.Enqueue((now, revision));
            _lastSample = now;
        }
        long? target = null;
        while (_samples.TryPeek(out (TimeSpan At, long Revision) oldest) && now - oldest.At >= kept)
        {
            target = oldest.Revision;
            _samples.Dequeue();
        }
        return target;
    }
}
