namespace Kv.Actors.Upkeep;

/// <summary>What a node sees to by itself.</summary>
public sealed record UpkeepOptions
{
    /// <summary>
    /// Bytes of keys with their history beyond which the alarm NOSPACE is raised; 0: no quota. etcd's default
    /// is 2 GiB.
    /// </summary>
    public long QuotaBytes { get; init; } = 2_147_483_648;

    /// <summary>
    /// 100,000 revisions: what a watcher that lost its connection goes on from, in some 30 MB of small
    /// values.
    /// </summary>
    public CompactionPolicy Compaction { get; init; } = new CompactionPolicy.ByRevisions(100_000);

    /// <summary>
    /// Bytes of the history beyond which half of it goes, unless it is never compacted: an eighth of the
    /// quota, so that large values do not fill the memory with what they were.
    /// </summary>
    public long HistoryBytesMax => QuotaBytes > 0 ? QuotaBytes / 8 : 268_435_456;
}
