using Kv.Core.Store;

namespace Kv.Core.Watch;

/// <summary>What was written up to a moment; any thread. Compaction may take from it meanwhile.</summary>
/// <param name="Revision">Of the last mutation in it.</param>
/// <param name="CompactedRevision">Whoever wants to begin before it comes too late.</param>
public sealed record WatchHistory(RevisionLogView Mutations, long Revision, long CompactedRevision)
{
    public static WatchHistory Of(KeyValueStore store) =>
        new(store.Mutations, store.Revision, store.CompactedRevision);

    /// <summary>
    /// Adds whole revisions, from one on, until so many mutations or bytes are exceeded.
    /// </summary>
    /// <param name="from">At or behind the compacted revision.</param>
    /// <param name="through">All of the revisions up to it were added.</param>
    /// <returns>False: it was compacted meanwhile, <paramref name="into"/> is of no use.</returns>
    public bool TryRead(long from, int mutationsMax, long bytesMax, List<KeyRecord> into, out long through)
    {
        through = Revision;
        int first = Mutations.FirstAtOrBehind(from);
        if (first > 0 && Mutations.Find(first - 1) is null)
        {
            // The one before may have been wanted, too: nobody can tell any more.
            return false;
        }
        long bytes = 0;
        for (int at = first; at < Mutations.Count; at++)
        {
            if (Mutations.Find(at) is not { } record)
            {
                return false;
            }
            bool isFull = into.Count >= mutationsMax || bytes >= bytesMax;
            if (isFull && record.ModRevision != into[^1].ModRevision)
            {
                through = into[^1].ModRevision;
                return true;
            }
            into.Add(record);
            bytes += record.Key.Length + record.Value.Length;
        }
        return true;
    }
}
