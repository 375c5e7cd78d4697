using Kv.Core.Store;

namespace Kv.Core.Snapshots;

/// <summary>One mutation of a key as a snapshot has it.</summary>
/// <param name="Key">The key.</param>
/// <param name="ModRevision">Where it happened.</param>
/// <param name="Put">What was put; null where <paramref name="Kind"/> says why not.</param>
/// <param name="Base">
/// What the key was at the compacted revision, with the first mutation behind that; null: nothing.
/// </param>
internal sealed record HistoryRecord(
    byte[] Key, long ModRevision, HistoryKind Kind, KeyRecord? Put, KeyRecord? Base);

internal enum HistoryKind : byte
{
    Deletion = 0,

    /// <summary>A put that another mutation followed.</summary>
    Past = 1,

    /// <summary>The key's last put: the section of keys has it.</summary>
    Last = 2,
}

/// <summary>The history of keys between a store and its snapshot.</summary>
internal static class KeyHistory
{
    /// <summary>Every mutation from the compacted revision on, in order.</summary>
    internal static IEnumerable<HistoryRecord> Capture(KeyView keys, long compacted)
    {
        RevisionLogView history = keys.History;
        for (int at = history.FirstAtOrBehind(compacted); at < history.Count; at++)
        {
            KeyRecord record = history[at];
            bool isLast = keys.Live.TryGet(record.Key, out KeyRecord? last)
                && ReferenceEquals(last, record);
            HistoryKind kind = record.IsDeleted ? HistoryKind.Deletion
                : isLast ? HistoryKind.Last
                : HistoryKind.Past;
            bool hasBase = record.ModRevision > compacted
                && record.PreviousPut is { } previous
                && previous.ModRevision < compacted;
            yield return new HistoryRecord(
                record.Key,
                record.ModRevision,
                kind,
                kind == HistoryKind.Past ? record : null,
                hasBase ? record.Previous : null);
        }
    }

    /// <returns>Bytes of the records that <paramref name="live"/> does not have.</returns>
    /// <exception cref="SnapshotException">The history does not belong to these keys.</exception>
    internal static long Restore(
        IReadOnlyList<HistoryRecord> records,
        OrderedIndex<KeyRecord> live,
        OrderedIndex<KeyRecord> deleted,
        RevisionLog history)
    {
        long bytes = 0;
        var last = new Dictionary<ReadOnlyMemory<byte>, KeyRecord>(KeyBytes.Comparer);
        foreach (HistoryRecord record in records)
        {
            KeyRecord? previous = last.GetValueOrDefault(record.Key, record.Base!);
            bytes += record.Base?.Bytes ?? 0;
            KeyRecord restored = record.Kind == HistoryKind.Last
                ? FindLast(live, record)
                : record.Put ?? KeyRecord.Deleted(record.Key, record.ModRevision);
            bytes += record.Kind == HistoryKind.Last ? 0 : restored.Bytes;
            restored.Restore(previous);
            last[record.Key] = restored;
            history.Add(restored);
        }
        foreach (KeyRecord record in last.Values.Where(static record => record.IsDeleted))
        {
            deleted.Set(record.Key, record);
        }
        return bytes;
    }

    private static KeyRecord FindLast(OrderedIndex<KeyRecord> live, HistoryRecord record) =>
        live.TryGet(record.Key, out KeyRecord? found) && found.ModRevision == record.ModRevision
            ? found
            : throw new SnapshotException(
                SnapshotFault.Damaged, "Its history of keys does not belong to its keys.");
}
