using Akka.Actor;
using Akka.Streams;
using Akka.Streams.Dsl;
using Akka.Event;

namespace Kv.Actors.Fanouts;

/// <summary>
/// Keeps a fanout's deliveries flowing to its parent, one batch at a time, and attaches anew after a loss.
/// The parent gets <see cref="Attached"/> and <see cref="Lost"/>, and of each run of the stream <see
/// cref="Opened"/> and then batches; it tells the sender <see cref="Next"/> after each of these when it is
/// ready for more.
/// </summary>
internal sealed class FanoutReceiver : ReceiveActor, IWithTimers
{
    private const int RetryDelayMsMin = 100;
    private const int RetryDelayMsMax = 5_000;

    private readonly IFanout _fanout;
    private readonly string _name;
    private readonly IActorRef _owner;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private int _run;
    private int _failures;

    public FanoutReceiver(IFanout fanout, string name)
    {
        _fanout = fanout;
        _name = name;
        _owner = Context.Parent;
        Receive<Attach>(_ => Run());
        Receive<RunAttached>(attached =>
        {
            if (attached.Run != _run) { return; }
            _failures = 0;
            _owner.Tell(Attached.Instance);
        });
        Receive<RunEnded>(ended =>
        {
            if (ended.Run == _run) { OnEnded(ended.Cause); }
        });
    }

    /// <summary>From now on nothing is missed.</summary>
    public sealed record Attached
    {
        public static readonly Attached Instance = new();
    }

    /// <summary>The connection is gone, and with a queue of its own whatever was in it.</summary>
    public sealed record Lost(Exception Cause);

    /// <summary>First of a stream's messages to the parent.</summary>
    public sealed record Opened
    {
        public static readonly Opened Instance = new();
    }

    /// <summary>The parent's answer: give me the next batch.</summary>
    public sealed record Next
    {
        public static readonly Next Instance = new();
    }

    /// <summary>
    /// Last of a stream's messages to the parent; of no use to it beside <see cref="Lost"/>.
    /// </summary>
    public sealed record Closed
    {
        public static readonly Closed Instance = new();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(IFanout fanout, string name) =>
        Akka.Actor.Props.Create(() => new FanoutReceiver(fanout, name));

    protected override void PreStart() => Run();

    private void Run()
    {
        int run = ++_run;
        (Task attached, Task ended) = _fanout.Deliveries()
            .WatchTermination((attaching, ending) => (attaching, (Task)ending))
            .ToMaterialized(Sink.ActorRefWithAck<IReadOnlyList<FanoutDelivery>>(
                _owner, Opened.Instance, Next.Instance, Closed.Instance, _ => Closed.Instance), Keep.Left)
            .Run(Context.Materializer());
        attached.PipeTo(
            Self, success: () => new RunAttached(run), failure: cause => new RunEnded(run, cause));
        ended.PipeTo(
            Self, success: () => new RunEnded(run, null), failure: cause => new RunEnded(run, cause));
    }

    private void OnEnded(Exception? cause)
    {
        // No further word of this run counts.
        _run++;
        Exception because = cause ?? new InvalidOperationException("The stream of deliveries ended.");
        int delayMs = Math.Min(RetryDelayMsMax, RetryDelayMsMin << Math.Min(_failures, 6));
        // Nodes that lost the same broker do not come back at the same moment.
        delayMs += Random.Shared.Next(delayMs / 2);
        if (_failures == 0)
        {
            _log.Warning("Lost the queue of {Exchange}: {Cause}", _name, because.Message);
        }
        _failures++;
        _owner.Tell(new Lost(because));
        Timers.StartSingleTimer("attach", Attach.Instance, TimeSpan.FromMilliseconds(delayMs));
    }

    private sealed record Attach
    {
        public static readonly Attach Instance = new();
    }

    private sealed record RunAttached(int Run);

    private sealed record RunEnded(int Run, Exception? Cause);
}
