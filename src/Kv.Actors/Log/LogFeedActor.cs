using Akka;
using Akka.Actor;
using Akka.Event;
using Akka.Streams;
using Akka.Streams.Dsl;
using Kv.Actors.Publishing;
using Kv.Actors.Store;
using Kv.Core.Entries;

namespace Kv.Actors.Log;

/// <summary>
/// Keeps the stream from the log to the store running: after every break it asks the store where to go on
/// and starts again, with backoff. The store acknowledges each run of entries, so it is never handed more
/// than it can take. After each (re)connect it probes where the log's tail is.
/// </summary>
public sealed class LogFeedActor : ReceiveActor, IWithTimers
{
    /// <summary>
    /// The store goes on from another state than it told: the stream ends, unacknowledged as it may be, and a
    /// new one begins.
    /// </summary>
    public sealed record StartAnew;

    /// <summary>
    /// From the membership: where does the log's tail stand now? Answered with <see cref="TailFound"/>, or
    /// not when it cannot be told.
    /// </summary>
    /// <param name="At">What was applied so far.</param>
    public sealed record SeekTail(StoreActor.ResumePoint At);

    /// <summary>
    /// To the membership, also after each (re)connect: the first message appended after that moment stands at
    /// this offset.
    /// </summary>
    /// <param name="SoughtAtMs">Monotonic, ms.</param>
    public sealed record TailFound(long SoughtAtMs, long Offset);

    private sealed record Probe(StoreActor.ResumePoint At);

    private sealed record ProbeEnded(StoreActor.ResumePoint At, TailFound Tail);

    private sealed record ProbeFailed(StoreActor.ResumePoint At, Exception Cause);

    private readonly string _nodeId;
    private readonly IReplicationLog _replicationLog;
    private readonly IActorRef _store;
    private readonly IActorRef _membership;
    private readonly Action? _onConnected;
    private readonly FeedOptions _options;
    private readonly EntryStamp _stamp;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly IMaterializer _materializer = Context.Materializer();
    private UniqueKillSwitch? _switch;

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(
        string nodeId,
        IReplicationLog log,
        IActorRef store,
        FeedOptions options,
        TimeProvider clock,
        IActorRef? membership = null,
        Action? onConnected = null) => Akka.Actor.Props.Create(() => new LogFeedActor(
            nodeId, log, store, options, clock, membership ?? ActorRefs.Nobody, onConnected));

    /// <param name="membership">Told where the log's tail is found.</param>
    /// <param name="onConnected">Called before the first run of each connection, on any thread.</param>
    public LogFeedActor(
        string nodeId,
        IReplicationLog log,
        IActorRef store,
        FeedOptions options,
        TimeProvider clock,
        IActorRef membership,
        Action? onConnected)
    {
        _membership = membership;
        _onConnected = onConnected;
        _nodeId = nodeId;
        _replicationLog = log;
        _store = store;
        _options = options;
        _stamp = new EntryStamp(clock);
        Receive<StartAnew>(_ =>
        {
            _switch?.Abort(new FeedReplacedException());
            Start();
        });
        Receive<Probe>(probe => StartProbe(probe.At));
        Receive<SeekTail>(seek => StartProbe(seek.At));
        Receive<ProbeEnded>(ended =>
        {
            _store.Tell(new StoreActor.TailSeen(ended.Tail.Offset, ended.At.Offset));
            _membership.Tell(ended.Tail);
        });
        Receive<ProbeFailed>(failed =>
        {
            _log.Debug("{Node} could not probe the log's tail: {Cause}", _nodeId, failed.Cause.Message);
            // One timer: the probe of a later connect takes the place of this one.
            Timers.StartSingleTimer(
                nameof(Probe), new Probe(failed.At), TimeSpan.FromMilliseconds(_options.RetryDelayMsMax));
        });
    }

    protected override void PreStart() => Start();

    private void Start()
    {
        RestartSettings restart = RestartSettings.Create(
            TimeSpan.FromMilliseconds(_options.RetryDelayMsMin),
            TimeSpan.FromMilliseconds(_options.RetryDelayMsMax),
            _options.RetryJitter);
        IActorRef self = Self;
        _switch = RestartSource.WithBackoff(() => FromResumePoint(self), restart)
            .ViaMaterialized(KillSwitches.Single<StoreActor.FeedRun>(), Keep.Right)
            .To(Sink.ActorRefWithAck<StoreActor.FeedRun>(
                _store,
                onInitMessage: new StoreActor.FeedStarted(),
                ackMessage: new StoreActor.FeedAck(),
                onCompleteMessage: new StoreActor.FeedFailed(new EndOfStreamException("The feed ended.")),
                onFailureMessage: cause => new StoreActor.FeedFailed(cause)))
            .Run(_materializer);
    }

    protected override void PostStop() => _switch?.Shutdown();

    private Source<StoreActor.FeedRun, NotUsed> FromResumePoint(IActorRef self)
    {
        IActorRef store = _store;
        TimeSpan patience = TimeSpan.FromMilliseconds(_options.ResumePointTimeoutMs);
        return Source
            .FromTask(store.Ask<StoreActor.ResumePoint>(new StoreActor.GetResumePoint(), patience))
            .ConcatMany(point =>
            {
                self.Tell(new Probe(point));
                var gaps = new GapCheck(ReadFirstRetainedAsync);
                bool isFirst = true;
                return _replicationLog.Read(point.Offset)
                    .SelectAsync(1, gaps.PassAsync)
                    .Select(run =>
                    {
                        if (isFirst)
                        {
                            // While the log is away nothing new can come to light.
                            isFirst = false;
                            _onConnected?.Invoke();
                        }
                        return new StoreActor.FeedRun(point, run);
                    });
            })
            .RecoverWithRetries(
                cause =>
                {
                    // Told to the store, which logs it; an end restarts the source as a failure does.
                    store.Tell(new StoreActor.FeedFailed(cause));
                    return Source.Empty<StoreActor.FeedRun>();
                },
                attempts: 1);
    }

    private void StartProbe(StoreActor.ResumePoint at)
    {
        Timers.Cancel(nameof(Probe));
        if (at.ClusterId == 0)
        {
            return;
        }
        byte[] probe = _stamp.Encode(
            [new LoggedCommand(new Command.Barrier())],
            at.ClusterId,
            LogEntry.NoProducer,
            sequence: 0,
            new EntryStamp.Basis(at.Offset, at.Chain));
        long soughtAtMs = (long)Context.System.Scheduler.MonotonicClock.TotalMilliseconds;
        ReadTailOffsetAsync(probe).PipeTo(
            Self,
            success: offset => new ProbeEnded(at, new TailFound(soughtAtMs, offset)),
            failure: cause => new ProbeFailed(at, cause));
    }

    private async Task<long> ReadFirstRetainedAsync()
    {
        IReadOnlyList<LogRecord> run = await _replicationLog.Read(0)
            .InitialTimeout(TimeSpan.FromMilliseconds(_options.ProbeTimeoutMs))
            .RunWith(Sink.First<IReadOnlyList<LogRecord>>(), _materializer);
        return run[0].Offset;
    }

    // Attached first, appended then: the probe comes by, and stands behind the tail of that moment. What
    // comes before it says nothing: a broker whose copy lags takes for its tail what is long past elsewhere.
    private async Task<long> ReadTailOffsetAsync(byte[] probe)
    {
        (Task attached, Task<LogRecord> seen) = _replicationLog.ReadTail()
            .SelectMany(static run => run)
            .Where(record => record.Entry.Span.SequenceEqual(probe))
            .InitialTimeout(TimeSpan.FromMilliseconds(_options.ProbeTimeoutMs))
            .ToMaterialized(Sink.First<LogRecord>(), Keep.Both)
            .Run(_materializer);
        await Task.WhenAny(attached, seen);
        await _replicationLog.AppendAsync(probe, CancellationToken.None);
        return (await seen).Offset;
    }
}

/// <summary>A feed ended because another has taken its place.</summary>
public sealed class FeedReplacedException() : Exception("The log is read from another offset.");
