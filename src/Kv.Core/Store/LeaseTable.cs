using System.Buffers.Binary;
using Kv.Core.Entries;

namespace Kv.Core.Store;

/// <summary>
/// Leases and the keys that hang on them. Replicated state: it notes renewals and knows no time; whoever
/// times leases says by <see cref="Command.LeaseExpire"/> that one is over.
/// </summary>
public sealed class LeaseTable
{
    private readonly SortedDictionary<long, Lease> _leases = [];
    private UInt128 _sum;

    public int Count => _leases.Count;

    /// <summary>By id.</summary>
    public IReadOnlyCollection<Lease> All => _leases.Values;

    /// <summary>Null: there is no such lease.</summary>
    public Lease? Find(long id) => _leases.GetValueOrDefault(id);

    /// <summary>Sum of a hash of each lease, see <see cref="ContentsDigest"/>.</summary>
    internal UInt128 Sum => _sum;

    /// <param name="behind">See <see cref="Lease.RenewedBehind"/>.</param>
    /// <returns>Null: granted; or why not.</returns>
    internal StoreError? Grant(long id, long ttlSeconds, long behind)
    {
        if (ttlSeconds > KvLimits.LeaseTtlSecondsMax)
        {
            return StoreError.LeaseTtlTooLarge;
        }
        if (id == 0)
        {
            return StoreError.LeaseNotFound;
        }
        if (_leases.ContainsKey(id))
        {
            return StoreError.LeaseExists;
        }
        if (_leases.Count >= KvLimits.LeasesMax)
        {
            return StoreError.TooManyLeases;
        }
        long granted = Math.Max(ttlSeconds, KvLimits.LeaseTtlSecondsMin);
        Add(new Lease(id, granted) { RenewedBehind = behind });
        return null;
    }

    internal void Add(Lease lease)
    {
        _leases.Add(lease.Id, lease);
        _sum += lease.Hash;
    }

    internal void Remove(Lease lease)
    {
        _leases.Remove(lease.Id);
        _sum -= lease.Hash;
    }

    /// <param name="behind">See <see cref="Lease.RenewedBehind"/>.</param>
    internal void Renew(Lease lease, long behind)
    {
        _sum -= lease.Hash;
        lease.RenewedBehind = behind;
        lease.CheckpointMs = 0;
        _sum += lease.Hash;
    }

    /// <summary>Ignored where the lease is gone or was renewed since.</summary>
    internal void Checkpoint(LeaseRemainder remainder)
    {
        if (Find(remainder.LeaseId) is not { } lease || lease.RenewedBehind != remainder.RenewedBehind)
        {
            return;
        }
        _sum -= lease.Hash;
        lease.CheckpointMs = Math.Clamp(remainder.RemainingMs, 1, lease.TtlSeconds * 1_000);
        _sum += lease.Hash;
    }

    internal void Attach(KeyRecord record) => Find(record.LeaseId)?.KeySet.Add(record.Key);

    internal void Detach(KeyRecord record) => Find(record.LeaseId)?.KeySet.Remove(record.Key);

    /// <summary>One lease. Read on the store's own thread only.</summary>
    public sealed class Lease
    {
        internal Lease(long id, long ttlSeconds) => (Id, TtlSeconds) = (id, ttlSeconds);

        public long Id { get; }

        /// <summary>Time to live as granted.</summary>
        public long TtlSeconds { get; }

        /// <summary>
        /// The offset before the entry that granted it or renewed it last. Whoever has seen it and proposes
        /// to end the lease names it: a later renewal, or a later lease of the same id, has another. -1: from
        /// the base of this log.
        /// </summary>
        public long RenewedBehind { get; internal set; }

        /// <summary>
        /// What was left of it at the last checkpoint since its last renewal, ms; 0: no checkpoint.
        /// </summary>
        public long CheckpointMs { get; internal set; }

        /// <summary>What a node that begins to time it gives it, ms.</summary>
        public long RemainingMs => CheckpointMs > 0 ? CheckpointMs : TtlSeconds * 1_000;

        internal static Lease Of(LeaseRecord record) => new(record.Id, record.TtlSeconds)
        {
            RenewedBehind = record.RenewedBehind,
            CheckpointMs = record.CheckpointMs,
        };

        internal LeaseRecord ToRecord() => new(Id, TtlSeconds, RenewedBehind, CheckpointMs);

        public int KeyCount => KeySet.Count;

        /// <summary>Bytewise ascending; a copy.</summary>
        public IReadOnlyList<byte[]> Keys() =>
            [.. KeySet.Order(Comparer<byte[]>.Create(
                static (one, other) => one.AsSpan().SequenceCompareTo(other)))];

        // A key's array stays the same from its first record to its last.
        internal HashSet<byte[]> KeySet { get; } = new(ReferenceEqualityComparer.Instance);

        internal UInt128 Hash
        {
            get
            {
                Span<byte> bytes = stackalloc byte[4 * sizeof(long)];
                BinaryPrimitives.WriteInt64BigEndian(bytes, Id);
                BinaryPrimitives.WriteInt64BigEndian(bytes[8..], TtlSeconds);
                BinaryPrimitives.WriteInt64BigEndian(bytes[16..], RenewedBehind);
                BinaryPrimitives.WriteInt64BigEndian(bytes[24..], CheckpointMs);
                Digest hash = Digest.Of(bytes);
                return new UInt128(hash.High, hash.Low);
            }
        }
    }
}

/// <summary>A lease as it stands in a snapshot; its keys name it.</summary>
internal sealed record LeaseRecord(long Id, long TtlSeconds, long RenewedBehind, long CheckpointMs);
