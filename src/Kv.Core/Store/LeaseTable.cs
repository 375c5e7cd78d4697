using System.Buffers.Binary;
using Kv.Core.Entries;

namespace Kv.Core.Store;

/// <summary>
/// Leases and the keys that hang on them. Replicated state: it counts renewals and knows no time; whoever
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

    /// <returns>Null: granted; or why not.</returns>
    internal StoreError? Grant(long id, long ttlSeconds)
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
        Add(new Lease(id, Math.Max(ttlSeconds, KvLimits.LeaseTtlSecondsMin)));
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

    internal void Renew(Lease lease)
    {
        _sum -= lease.Hash;
        lease.Renewals++;
        lease.CheckpointMs = 0;
        _sum += lease.Hash;
    }

    /// <summary>Ignored where the lease is gone or was renewed since.</summary>
    internal void Checkpoint(LeaseRemainder remainder)
    {
        if (Find(remainder.LeaseId) is not { } lease || lease.Renewals != remainder.Renewals)
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

        /// <summary>Grows with each renewal.</summary>
        public long Renewals { get; internal set; }

        /// <summary>
        /// What was left of it at the last checkpoint since its last renewal, ms; 0: no checkpoint, all of it.
        /// </summary>
        public long CheckpointMs { get; internal set; }

        /// <summary>What a node that begins to time it gives it, ms.</summary>
        public long RemainingMs => CheckpointMs > 0 ? CheckpointMs : TtlSeconds * 1_000;

        internal static Lease Of(LeaseRecord record) => new(record.Id, record.TtlSeconds)
        {
            Renewals = record.Renewals,
            CheckpointMs = record.CheckpointMs,
        };

        internal LeaseRecord ToRecord() => new(Id, TtlSeconds, Renewals, CheckpointMs);

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
                BinaryPrimitives.WriteInt64BigEndian(bytes[16..], Renewals);
                BinaryPrimitives.WriteInt64BigEndian(bytes[24..], CheckpointMs);
                Digest hash = Digest.Of(bytes);
                return new UInt128(hash.High, hash.Low);
            }
        }
    }
}

/// <summary>A lease as it stands in a snapshot; its keys name it.</summary>
internal sealed record LeaseRecord(long Id, long TtlSeconds, long Renewals, long CheckpointMs);
