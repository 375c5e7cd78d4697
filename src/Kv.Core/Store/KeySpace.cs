using Kv.Core.Entries;
using Kv.Core.Snapshots;

namespace Kv.Core.Store;

/// <summary>
/// Keys with their history, as etcd counts them: a revision to each transaction that changes something, and
/// every revision readable back to the compacted one. One owner; views may be read by anybody.
/// </summary>
internal sealed class KeySpace
{
    // Keys that are there, and keys that are not any more but were within the history kept.
    private readonly OrderedIndex<KeyRecord> _live;
    private readonly OrderedIndex<KeyRecord> _deleted = new();
    private readonly RevisionLog _history = new();
    private ContentsDigest _contents;

    // Who holds the present pin reads history; while anybody holds an older one, nothing is let go. Null:
    // no view was made since the last compaction.
    private object? _pin;
    private readonly List<WeakReference<object>> _olderPins = [];
    private bool _changed;

    internal KeySpace() => _live = new OrderedIndex<KeyRecord>();

    /// <summary>As a snapshot has it.</summary>
    internal KeySpace(SnapshotContents contents)
    {
        _live = new OrderedIndex<KeyRecord>(contents.Keys);
        _contents = contents.KeysDigest;
        Revision = contents.Header!.Revision;
        CompactedRevision = contents.Header.CompactedRevision;
        LiveBytes = contents.KeyBytes;
        Bytes = LiveBytes + KeyHistory.Restore(contents.History, _live, _deleted, _history);
    }

    /// <summary>Of the last transaction that changed something. An empty store has 1, as in etcd.</summary>
    internal long Revision { get; private set; } = 1;

    /// <summary>What was before this revision is gone; 0: nothing is.</summary>
    internal long CompactedRevision { get; private set; }

    /// <summary>
    /// The revision that a read sees: within a transaction its own, once it has changed something.
    /// </summary>
    internal long RevisionNow => _changed ? Revision + 1 : Revision;

    internal RevisionLogView Mutations => _history.View();

    internal int Count => _live.Count;

    /// <summary>
    /// Bytes of all records kept, those of the history included. Compaction takes effect on it little by
    /// little, on each node in its own time: nothing that is replicated may depend on it.
    /// </summary>
    internal long Bytes { get; private set; }

    /// <summary>As <see cref="Bytes"/>, of the keys as they are now.</summary>
    internal long LiveBytes { get; private set; }

    /// <summary>Records of the history that compaction has yet to go through.</summary>
    internal bool HasToPrune => _history.Count > 0 && _history.Oldest.ModRevision < CompactedRevision;

    internal Digest Contents(long order, UInt128 tables) =>
        _contents.Value(Revision, CompactedRevision, order, tables);

    internal OrderedIndex<KeyRecord> Live => _live;

    internal KeyRecord? Find(ReadOnlySpan<byte> key) =>
        _live.TryGet(key, out KeyRecord? record) ? record : null;

    /// <summary>For reads before the next mutation.</summary>
    internal KeyView Now() => new(
        _live.Peek(), _deleted.Peek(), _history.View(), RevisionNow, CompactedRevision, pin: this);

    /// <summary>
    /// For reads at any time, on any thread. Later writes pay, see <see cref="OrderedIndex{T}"/>.
    /// </summary>
    internal KeyView View() => new(
        _live.Snapshot(),
        _deleted.Snapshot(),
        _history.View(),
        RevisionNow,
        CompactedRevision,
        _pin ??= new object());

    /// <summary>A part of a transaction, which <see cref="EndTransaction"/> ends.</summary>
    /// <returns>What was there before; null: nothing.</returns>
    internal KeyRecord? Put(ReadOnlySpan<byte> key, byte[] ownValue, long leaseId)
    {
        _changed = true;
        long revision = Revision + 1;
        KeyRecord? before = Find(key);
        KeyRecord? last = before ?? _deleted.Remove(key);
        byte[] ownKey = last?.Key ?? key.ToArray();
        var record = before is null
            ? new KeyRecord(ownKey, ownValue, revision, revision, 1, leaseId, last)
            : new KeyRecord(
                ownKey, ownValue, before.CreateRevision, revision, before.Version + 1, leaseId, last);
        _live.Set(ownKey, record);
        LiveBytes += record.Bytes - (before?.Bytes ?? 0);
        if (before is not null)
        {
            _contents.Remove(before);
        }
        _contents.Add(record);
        Remember(record);
        return before;
    }

    /// <inheritdoc cref="Put"/>
    internal KeyRecord? Delete(ReadOnlySpan<byte> key)
    {
        if (_live.Remove(key) is not { } before)
        {
            return null;
        }
        _changed = true;
        LiveBytes -= before.Bytes;
        _contents.Remove(before);
        var record = KeyRecord.Deleted(before.Key, Revision + 1, before);
        _deleted.Set(record.Key, record);
        Remember(record);
        return before;
    }

    /// <returns>True: it changed something and has a revision.</returns>
    internal bool EndTransaction()
    {
        bool changed = _changed;
        Revision = RevisionNow;
        _changed = false;
        return changed;
    }

    /// <summary>See <see cref="RequestTable.Floor"/>.</summary>
    internal void RaiseRevision(long floor) => Revision = Math.Max(Revision, floor);

    /// <summary>The history below goes. It is let go by <see cref="Prune"/>.</summary>
    internal StoreError? Compact(long revision)
    {
        if (revision <= CompactedRevision)
        {
            return StoreError.Compacted;
        }
        if (revision > Revision)
        {
            return StoreError.FutureRevision;
        }
        CompactedRevision = revision;
        if (_pin is not null)
        {
            _olderPins.Add(new WeakReference<object>(_pin));
            _pin = null;
        }
        return null;
    }

    /// <summary>
    /// Lets go of records below the compacted revision, so many at most: compacting much must not hold up
    /// the log. Nobody can tell from the outside how far it has come.
    /// </summary>
    internal void Prune(int recordsMax)
    {
        if (!HasToPrune || IsPinned())
        {
            return;
        }
        for (int i = 0; i < recordsMax && HasToPrune; i++)
        {
            KeyRecord record = _history.Oldest;
            _history.RemoveOldest();
            LetGoBefore(record);
            // At the compacted revision the key was not there, and was not since.
            if (record.IsDeleted
                && _deleted.TryGet(record.Key, out KeyRecord? last)
                && ReferenceEquals(last, record))
            {
                _deleted.Remove(record.Key);
                Bytes -= record.Bytes;
            }
        }
    }

    private void Remember(KeyRecord record)
    {
        Bytes += record.Bytes;
        _history.Add(record);
    }

    private void LetGoBefore(KeyRecord record)
    {
        if (record.Previous is { } previous)
        {
            Bytes -= previous.Bytes;
            record.Forget();
        }
    }

    private bool IsPinned()
    {
        _olderPins.RemoveAll(static pin => !pin.TryGetTarget(out _));
        return _olderPins.Count > 0;
    }
}
