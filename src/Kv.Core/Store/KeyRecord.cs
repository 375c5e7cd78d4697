namespace Kv.Core.Store;

/// <summary>
/// A key as one mutation left it, as etcd counts it, with what it was before. Views share it: nothing of it
/// changes but that history below the compacted revision is let go.
/// </summary>
public sealed class KeyRecord
{
    internal KeyRecord(
        byte[] key,
        byte[] value,
        long createRevision,
        long modRevision,
        long version,
        long leaseId,
        KeyRecord? previous = null)
    {
        Key = key;
        Value = value;
        CreateRevision = createRevision;
        ModRevision = modRevision;
        Version = version;
        LeaseId = leaseId;
        Previous = previous;
    }

    /// <summary>The store's own copy, as <see cref="Value"/>: neither may be written to.</summary>
    public byte[] Key { get; }

    /// <summary>Empty for a deletion.</summary>
    public byte[] Value { get; }

    /// <summary>Revision of the put that made the key; 0 for a deletion.</summary>
    public long CreateRevision { get; }

    /// <summary>Revision of this mutation.</summary>
    public long ModRevision { get; }

    /// <summary>Puts since the key was made, from 1; 0 for a deletion.</summary>
    public long Version { get; }

    /// <summary>The lease the key hangs on; 0: none.</summary>
    public long LeaseId { get; }

    public bool IsDeleted => Version == 0;

    /// <summary>The mutation before; null: none, or none that is remembered.</summary>
    public KeyRecord? Previous { get; private set; }

    /// <summary>The put before this mutation; null: the key was not there, or nobody remembers.</summary>
    public KeyRecord? PreviousPut => Previous is { IsDeleted: false } previous ? previous : null;

    internal static KeyRecord Deleted(byte[] key, long revision, KeyRecord? previous = null) =>
        new(key, [], 0, revision, 0, 0, previous);

    /// <summary>As it was at a revision; null: not there then.</summary>
    internal KeyRecord? At(long revision)
    {
        KeyRecord? record = this;
        while (record is not null && record.ModRevision > revision)
        {
            record = record.Previous;
        }
        return record is { IsDeleted: false } ? record : null;
    }

    /// <summary>Bytes it is counted with against the quota.</summary>
    internal long Bytes => KvLimits.RecordBytesExtra + Key.Length + Value.Length;

    internal void Forget() => Previous = null;

    internal void Restore(KeyRecord? previous) => Previous = previous;
}
