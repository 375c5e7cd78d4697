namespace Kv.Core.Merge;

/// <summary>Every limit of queue mode's state, with its unit and its reason.</summary>
public static class MergeLimits
{
    /// <summary>Largest Lamport time: 2^62, so that counting on from it cannot overflow.</summary>
    public const long TimeMax = 1L << 62;

    /// <summary>
    /// Furthest a message may set this node's clock forward, 2^53 (285 years in the microseconds that clocks
    /// are started with): one broken sender must not use up the clock for all.
    /// </summary>
    public const long TimeLeapMax = 1L << 53;

    /// <summary>
    /// Buckets of keys that nodes announce a digest of; a place in presence, so it cannot change lightly.
    /// </summary>
    public const int Buckets = 64;

    /// <summary>
    /// Leaves of the digest table: what differs is transferred by leaf, so a pull of a million keys that
    /// differ in a hundred moves some 6,000 of them. 8 B each.
    /// </summary>
    public const int Leaves = 16_384;

    public const int LeavesPerBucket = Leaves / Buckets;

    /// <summary>
    /// Uuids of plain messages remembered, about 50 B each. Covers redeliveries of up to so many messages
    /// back.
    /// </summary>
    public const int RecentUuidsMax = 65_536;

    /// <summary>Senders remembered; one per run of a node. The one silent for longest goes first.</summary>
    public const int SendersMax = 1_024;

    /// <summary>
    /// Runs of sequence numbers remembered beyond a sender's first gap; further gaps close the first.
    /// </summary>
    public const int SequenceRangesMax = 64;

    /// <summary>
    /// Tombstones kept before this node refuses DEL, about 200 B each. They wait for the floor, which waits
    /// for every known member.
    /// </summary>
    public const int TombstonesMax = 262_144;

    /// <summary>
    /// Tombstones at which the oldest go whether all members are known to have them or not, because foreign
    /// nodes go on deleting. What a lagging member alone has from before them is then lost.
    /// </summary>
    public const int TombstonesForcedMax = 2 * TombstonesMax;

    /// <summary>Longest sender_id and message_uuid, UTF-8 bytes. Ours have 64 and 36.</summary>
    public const int NameBytesMax = 256;

    /// <summary>Deepest nesting of a JSON value.</summary>
    public const int JsonDepthMax = 512;

    /// <summary>
    /// Separate spans of covered times kept. There are two after two groups met that had lost each other;
    /// raising the floor makes one of them.
    /// </summary>
    public const int CoveredSpansMax = 8;
}
