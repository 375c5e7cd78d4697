using Kv.Core.Entries;

namespace Kv.Core.Store;

/// <summary>
/// First results of calls that carried a request id, so that a repetition through any node gets the same
/// answer. Replicated state, bounded: the oldest is forgotten first and raises the floor.
/// </summary>
/// <remarks>
/// Why forgetting is safe: an id issued at revision R was applied, if ever, when the store was at R or
/// above, and answered with that revision or the next. All that was forgotten was answered with a revision
/// below the floor. So an unknown id with R at or above the floor was never applied; below it nobody can
/// tell, and it is refused.
/// </remarks>
public sealed class RequestTable(int requestIdsMax)
{
    private readonly Dictionary<UInt128, Known> _byId = [];

    // the entries of _byId in the order they came; whole, so that a capture is one copy of an array
    private readonly Queue<KeyValuePair<UInt128, Known>> _oldestFirst = [];

    public int Count => _byId.Count;

    /// <summary>
    /// Above the revision of every answer that was forgotten; 0: nothing was. An answer may carry the very
    /// revision its id was issued at: a deletion that found nothing.
    /// </summary>
    public long Floor { get; private set; }

    internal KeyValuePair<UInt128, Known>[] OldestFirst() => _oldestFirst.ToArray();

    /// <returns>The answer to give without applying, or null: apply it and <see cref="Remember"/>.</returns>
    public Reply? Answer(RequestId id, Digest command, long revision, long order)
    {
        if (_byId.TryGetValue(id.Id, out Known? known))
        {
            return known.Command == command
                ? known.Reply
                : Refused(StoreError.RequestIdReused, revision, order);
        }
        return id.IssuedAt < Floor ? Refused(StoreError.RequestIdExpired, revision, order) : null;
    }

    public void Remember(RequestId id, Digest command, Reply reply)
    {
        Append(id.Id, new Known(command, reply));
        if (_byId.Count > requestIdsMax)
        {
            (UInt128 oldest, Known known) = _oldestFirst.Dequeue();
            Floor = Math.Max(Floor, known.Reply.Revision + 1);
            _byId.Remove(oldest);
        }
    }

    /// <summary>The reply as a repetition gets it: without what would make the table large.</summary>
    internal static Reply Kept(Reply reply) => reply switch
    {
        Reply.Got got => got with { Value = null },
        Reply.Printed printed => printed with { View = null },
        _ => HasRecords(reply) ? Refused(StoreError.ResultNotKept, reply.Revision, reply.Order) : reply,
    };

    private static bool HasRecords(Reply reply) => reply switch
    {
        Reply.Stored stored => stored.Previous is not null,
        Reply.DeletedRange deleted => deleted.Previous.Count > 0,
        Reply.Ranged => true,
        Reply.TxnDone txn => txn.Replies.Any(HasRecords),
        _ => false,
    };

    internal void Restore(long floor, IEnumerable<KeyValuePair<UInt128, Known>> oldestFirst)
    {
        Floor = floor;
        foreach ((UInt128 id, Known known) in oldestFirst)
        {
            Append(id, known);
        }
    }

    private void Append(UInt128 id, Known known)
    {
        _byId.Add(id, known);
        _oldestFirst.Enqueue(new(id, known));
    }

    private static Reply.Refused Refused(StoreError error, long revision, long order) =>
        new(error) { Revision = revision, Order = order };

    /// <param name="Command">Digest of the command's bytes: one id names one command.</param>
    internal sealed record Known(Digest Command, Reply Reply);
}
