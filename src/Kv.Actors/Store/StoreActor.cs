using Akka.Actor;
using Akka.Event;
using Kv.Actors.Log;
using Kv.Actors.Nodes;
using Kv.Actors.Publishing;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Store;

/// <summary>
/// Owns the store and the order counter of one node. The log feed is the only thing that changes it; reads
/// are answered between two runs of entries.
/// </summary>
public sealed class StoreActor : ReceiveActor
{
    /// <summary>
    /// Sent by the log feed before each (re)connect; answered with <see cref="ResumePoint"/>.
    /// </summary>
    public sealed record GetResumePoint;

    /// <param name="Offset">Read from here, inclusive: the entry applied last is compared with ours.</param>
    public sealed record ResumePoint(long Offset);

    /// <summary>Sent by the stream before its first element and answered like an element.</summary>
    public sealed record FeedStarted;

    /// <summary>Acknowledges a run of entries: the stream may send the next.</summary>
    public sealed record FeedAck;

    public sealed record FeedFailed(Exception Cause);

    /// <summary>
    /// From the publisher: who answers clients here, and the nonce of its registration. The store tells it
    /// <see cref="PublisherActor.Founded"/>, <see cref="PublisherActor.Registered"/> and
    /// <see cref="PublisherActor.ReadBack"/>.
    /// </summary>
    public sealed record Attach(UInt128 Nonce);

    /// <summary>Answered with <see cref="Reply.Got"/> or <see cref="NotServing"/>.</summary>
    public sealed record GetLocal(ReadOnlyMemory<byte> Key);

    /// <summary>Answered with <see cref="Reply.Printed"/> or <see cref="NotServing"/>.</summary>
    public sealed record PrintLocal;

    /// <summary>Answered with <see cref="StoreStatus"/> in every state.</summary>
    public sealed record GetStatus;

    public sealed record NotServing(KvError Code, string Why);

    public sealed record StoreStatus(
        NodeState State,
        string Reason,
        ulong ClusterId,
        long AppliedOffset,
        long Revision,
        long Order,
        long Keys,
        Digest Chain,
        long Strays,
        long Producers,
        string FeedTrouble);

    private readonly string _nodeId;
    private readonly Action<ulong> _onClusterKnown;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly KeyValueStore _store = new();
    private readonly LogFollower _follower;
    private IActorRef _publisher = ActorRefs.Nobody;
    private string _feedTrouble = "";

    /// <param name="expectedClusterId">The cluster this node's data directory belongs to; 0: any.</param>
    /// <param name="onClusterKnown">Called when the genesis was applied, before anything else is.</param>
    public static Props Props(string nodeId, ulong expectedClusterId, Action<ulong> onClusterKnown) =>
        Akka.Actor.Props.Create(() => new StoreActor(nodeId, expectedClusterId, onClusterKnown));

    public StoreActor(string nodeId, ulong expectedClusterId, Action<ulong> onClusterKnown)
    {
        _nodeId = nodeId;
        _onClusterKnown = onClusterKnown;
        _follower = new LogFollower(_store, expectedClusterId, new Port(this));
        Following();
    }

    private void Following()
    {
        Receive<IReadOnlyList<LogRecord>>(records =>
        {
            if (_follower.Deliver(records))
            {
                Sender.Tell(new FeedAck());
            }
        });
        Receive<GetLocal>(read => ReplyIfServing(() => new Reply.Got(_store.Get(read.Key.Span))
        {
            Revision = _store.Revision,
            Order = _store.Order,
        }));
        Receive<PrintLocal>(_ => ReplyIfServing(() => new Reply.Printed(_store.View())
        {
            Revision = _store.Revision,
            Order = _store.Order,
        }));
        Always();
    }

    /// <summary>The log contradicts what was applied: nothing is served, nothing thrown away.</summary>
    private void Halted()
    {
        // No acknowledgement: the stream stands still.
        Receive<IReadOnlyList<LogRecord>>(_ => { });
        Receive<GetLocal>(_ => Sender.Tell(new NotServing(KvError.Halted, _follower.HaltReason)));
        Receive<PrintLocal>(_ => Sender.Tell(new NotServing(KvError.Halted, _follower.HaltReason)));
        Always();
    }

    private void Always()
    {
        Receive<GetStatus>(_ => Sender.Tell(Status()));
        Receive<Attach>(attach =>
        {
            _publisher = Sender;
            _follower.Attach(attach.Nonce);
        });
        Receive<GetResumePoint>(_ => Sender.Tell(new ResumePoint(_follower.GiveResumePoint())));
        Receive<FeedStarted>(_ =>
        {
            _feedTrouble = "";
            Sender.Tell(new FeedAck());
        });
        Receive<FeedFailed>(failed =>
        {
            _feedTrouble = failed.Cause.Message;
            _log.Warning("{Node} lost the log: {Cause}", _nodeId, failed.Cause.Message);
        });
    }

    private void LogFate(long offset, AppliedEntry applied)
    {
        switch (applied.Fate)
        {
            case EntryFate.Applied when _log.IsInfoEnabled:
                LogCommands(applied);
                break;
            case EntryFate.Applied:
                break;
            case EntryFate.Stray or EntryFate.UnknownProducer:
                _log.Warning(
                    "{Node} ignores the message at offset {Offset}: {Why}", _nodeId, offset, applied.Why);
                break;
            default:
                _log.Debug(
                    "{Node} ignores the entry at offset {Offset}: {Why}", _nodeId, offset, applied.Why);
                break;
        }
    }

    private void LogCommands(AppliedEntry applied)
    {
        for (int i = 0; i < applied.Replies.Count; i++)
        {
            LogEntry entry = applied.Entry!;
            LoggedCommand logged = entry.Commands[i];
            long order = applied.Replies[i].Order;
            if (order > 0 && CommandText.Describe(logged.Command) is { } text)
            {
                string id = logged.RequestId?.ToString() ?? $"{entry.ProducerId}.{entry.Sequence}.{i}";
                _log.Info(
                    "{Node} applied {Order} {Command} {Key} from {Sender} as {Id}",
                    _nodeId, order, text.Name, text.Key, applied.Sender, id);
            }
        }
    }

    private void ReplyIfServing(Func<object> reply)
    {
        Sender.Tell(_follower.HasCaughtUp ? reply() : new NotServing(KvError.NotReady, CatchingUp));
    }

    private const string CatchingUp = "This node has not caught up with the log yet.";

    private StoreStatus Status()
    {
        (NodeState state, string reason) = _follower.IsHalted
            ? (NodeState.Halted, _follower.HaltReason)
            : _follower.HasCaughtUp ? (NodeState.Ready, "") : (NodeState.Starting, CatchingUp);
        return new StoreStatus(
            state,
            reason,
            _store.Genesis?.ClusterId ?? 0,
            _store.AppliedOffset,
            _store.Revision,
            _store.Order,
            _store.Count,
            _store.Chain,
            _store.Strays,
            _store.Producers.Count,
            _feedTrouble);
    }

    private sealed class Port(StoreActor actor) : ILogFollowerPort
    {
        public void ClusterKnown(ulong clusterId)
        {
            actor._log.Info(
                "{Node} is a member of cluster {ClusterId}", actor._nodeId, clusterId.ToString("x16"));
            actor._onClusterKnown(clusterId);
        }

        public void Applied(long offset, AppliedEntry applied) => actor.LogFate(offset, applied);

        public void Halted(string why)
        {
            actor._log.Error(
                "{Node} halts at offset {Offset}: {Why}", actor._nodeId, actor._store.AppliedOffset, why);
            actor.Become(actor.Halted);
        }

        public void TellPublisher(object word) => actor._publisher.Tell(word, actor.Self);
    }
}
