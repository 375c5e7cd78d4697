using Akka;
using Akka.Actor;
using Akka.Event;
using Akka.Streams;
using Akka.Streams.Dsl;
using Kv.Actors.Store;

namespace Kv.Actors.Log;

/// <summary>
/// Keeps the stream from the log to the store running: after every break it asks the store where to go on
/// and starts again, with backoff. The store acknowledges each run of entries, so it is never handed more
/// than it can take.
/// </summary>
public sealed class LogFeedActor : UntypedActor
{
    private readonly string _nodeId;
    private readonly IReplicationLog _replicationLog;
    private readonly IActorRef _store;
    private readonly FeedOptions _options;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private UniqueKillSwitch? _switch;

    public static Props Props(string nodeId, IReplicationLog log, IActorRef store, FeedOptions options) =>
        Akka.Actor.Props.Create(() => new LogFeedActor(nodeId, log, store, options));

    public LogFeedActor(string nodeId, IReplicationLog log, IActorRef store, FeedOptions options)
    {
        _nodeId = nodeId;
        _replicationLog = log;
        _store = store;
        _options = options;
    }

    protected override void PreStart()
    {
        RestartSettings restart = RestartSettings.Create(
            TimeSpan.FromMilliseconds(_options.RetryDelayMsMin),
            TimeSpan.FromMilliseconds(_options.RetryDelayMsMax),
            _options.RetryJitter);
        _switch = RestartSource.WithBackoff(FromResumePoint, restart)
            .ViaMaterialized(KillSwitches.Single<IReadOnlyList<LogRecord>>(), Keep.Right)
            .To(Sink.ActorRefWithAck<IReadOnlyList<LogRecord>>(
                _store,
                onInitMessage: new StoreActor.FeedStarted(),
                ackMessage: new StoreActor.FeedAck(),
                onCompleteMessage: new StoreActor.FeedFailed(new EndOfStreamException("The feed ended.")),
                onFailureMessage: cause => new StoreActor.FeedFailed(cause)))
            .Run(Context.Materializer());
    }

    protected override void PostStop() => _switch?.Shutdown();

    protected override void OnReceive(object message) => Unhandled(message);

    private Source<IReadOnlyList<LogRecord>, NotUsed> FromResumePoint()
    {
        IActorRef store = _store;
        TimeSpan patience = TimeSpan.FromMilliseconds(_options.ResumePointTimeoutMs);
        return Source
            .FromTask(store.Ask<StoreActor.ResumePoint>(new StoreActor.GetResumePoint(), patience))
            .ConcatMany(point => _replicationLog.Read(point.Offset))
            .SelectError(cause =>
            {
                store.Tell(new StoreActor.FeedFailed(cause));
                _log.Debug("{Node} reads the log again after {Cause}", _nodeId, cause.Message);
                return cause;
            });
    }
}

/// <summary>How the feed restarts.</summary>
public sealed record FeedOptions
{
    /// <summary>First wait before reading again, ms; doubles up to the next.</summary>
    public int RetryDelayMsMin { get; init; } = 100;

    public int RetryDelayMsMax { get; init; } = 3_000;

    /// <summary>Random share added to each wait, 0 to 1: nodes must not come back all at once.</summary>
    public double RetryJitter { get; init; } = 0.2;

    /// <summary>
    /// Longest wait for the store's word where to go on, ms. It may be busy with a long run of entries.
    /// </summary>
    public int ResumePointTimeoutMs { get; init; } = 30_000;
}
