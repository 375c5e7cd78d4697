using Akka.Actor;
using Kv.Actors.Nodes;
using Kv.Core.Auth;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Store;

/// <summary>Reads of ranges and revisions from this node's state.</summary>
public sealed partial class StoreActor
{
    /// <summary>
    /// Most records read here, between two runs of entries; a longer range is read from a view, elsewhere.
    /// </summary>
    private const int RecordsReadHereMax = 64;

    /// <summary>
    /// A range or a transaction without writes. Answered with <see cref="Reply"/>, <see cref="NotServing"/>
    /// or, where it is long, with <see cref="Viewed"/>.
    /// </summary>
    /// <param name="Who">Who asks; null: nobody said.</param>
    public sealed record Read(Command Command, Principal? Who);

    /// <summary>
    /// Asks whether somebody may have a command. Answered with <see cref="Permission"/> or
    /// <see cref="NotServing"/>.
    /// </summary>
    public sealed record AskPermission(Command Command, Principal? Who);

    /// <param name="Denied">Null: it is permitted.</param>
    public sealed record Permission(StoreError? Denied);

    /// <summary>Read it yourself.</summary>
    public sealed record Viewed(KeyView Keys);

    /// <summary>
    /// Asks for all keys with their history. Answered with <see cref="Viewed"/> or <see cref="NotServing"/>.
    /// </summary>
    public sealed record ViewKeys;

    /// <summary>Answered with <see cref="KeyState"/> or <see cref="NotServing"/>.</summary>
    public sealed record GetKeyState;

    /// <param name="Bytes">As <see cref="KeyValueStore.Bytes"/>.</param>
    /// <param name="HistoryBytes">As <see cref="KeyValueStore.HistoryBytes"/>.</param>
    public sealed record KeyState(
        long Revision,
        long CompactedRevision,
        long Bytes,
        long HistoryBytes,
        long AppliedOffset,
        Digest Contents,
        IReadOnlyCollection<RaisedAlarm> Alarms);

    private void ReceiveReads()
    {
        Receive<GetKeyState>(_ => ReplyIfServing(() => new KeyState(
            Store.Revision,
            Store.CompactedRevision,
            Store.Bytes,
            Store.HistoryBytes,
            Store.AppliedOffset,
            Store.Contents,
            [.. Store.Alarms])));
        Receive<GetLocal>(read => ReplyIfServing(() => new Reply.Got(Store.Get(read.Key.Span))
        {
            Revision = Store.Revision,
            Order = Store.Order,
        }));
        Receive<PrintLocal>(_ => ReplyIfServing(() => new Reply.Printed(Store.View())
        {
            Revision = Store.Revision,
            Order = Store.Order,
        }));
        Receive<Read>(read => ReplyIfServing(() => Answer(read)));
        Receive<AskPermission>(ask => ReplyIfServing(() => new Permission(
            AuthRules.Check(Store.Auth, ask.Who, ask.Command, Store.Leases))));
        Receive<ViewKeys>(_ => ReplyIfServing(() => new Viewed(Store.Keys())));
    }

    private object Answer(Read read) => AuthRules.Check(
        Store.Auth, read.Who, read.Command, Store.Leases) is { } denied
        ? new Reply.Refused(denied) { Revision = Store.Revision, Order = 0 }
        : AnswerPermitted(read);

    private object AnswerPermitted(Read read) => read.Command is Command.Range range && IsLong(range.Query)
        ? new Viewed(Store.Keys())
        : Store.Read(read.Command);

    private bool IsLong(RangeQuery query)
    {
        if (query.RangeEnd.IsEmpty || query.CountOnly)
        {
            return query.CountOnly && query.Revision > 0 && !query.RangeEnd.IsEmpty;
        }
        bool isPlain = query is { Revision: <= 0, SortTarget: RangeSortTarget.Key };
        RangeQuery count = query with { CountOnly = true, Revision = 0 };
        return !(isPlain && query.Limit is > 0 and <= RecordsReadHereMax)
            && Store.KeysNow().Range(count).Count > RecordsReadHereMax;
    }

    private void ReplyIfServing(Func<object> reply)
    {
        (NodeState state, string reason) = State;
        Sender.Tell(state == NodeState.Ready
            ? reply()
            : new NotServing(state == NodeState.Halted ? KvError.Halted : KvError.NotReady, reason));
    }
}
