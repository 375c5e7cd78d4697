using Akka.Actor;
using Akka.Event;
using Kv.Actors.Nodes;
using Kv.Actors.Publishing;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Proposals;

/// <summary>
/// Brings into the log what a node has to say of itself and the cluster: the snapshot it has on disk, a
/// newer version all members run. Of each kind the last one counts; a proposal that the log does not take is
/// made again until it does.
/// </summary>
public sealed class ProposalActor : ReceiveActor, IWithTimers
{
    /// <summary>A snapshot of this node is on disk.</summary>
    /// <param name="LogBytes">The log's bytes up to it, as its store counted them.</param>
    public sealed record SnapshotKept(long Offset, long LogBytes);

    /// <summary>Who is live, and what they run; this node is among them.</summary>
    public sealed record MembersSeen(
        int ClusterVersion, int ClusterSize, IReadOnlyList<MemberVersions> Members);

    private sealed record TryAgain;

    private sealed record Taken(Command Command, Reply Reply);

    private sealed record NotTaken(Command Command, Exception Cause);

    /// <summary>Wait before a proposal is made again, ms.</summary>
    private const int RetryDelayMs = 1_000;

    private readonly string _nodeId;
    private readonly IActorRef _publisher;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private Command.SnapshotTaken? _snapshot;
    private Command.ClusterVersion? _version;
    private bool _isUnderWay;

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(string nodeId, IActorRef publisher) =>
        Akka.Actor.Props.Create(() => new ProposalActor(nodeId, publisher));

    public ProposalActor(string nodeId, IActorRef publisher)
    {
        _nodeId = nodeId;
        _publisher = publisher;
        Receive<SnapshotKept>(kept =>
        {
            _snapshot = new Command.SnapshotTaken(_nodeId, kept.Offset, kept.LogBytes);
            Propose();
        });
        Receive<MembersSeen>(Consider);
        Receive<TryAgain>(_ => Propose());
        Receive<Taken>(taken => End(taken.Command, taken.Reply));
        Receive<NotTaken>(RetryLater);
    }

    private void Consider(MembersSeen seen)
    {
        int? next = VersionDecision.Next(seen.ClusterVersion, seen.ClusterSize, seen.Members);
        if (next is not { } version)
        {
            _version = null;
        }
        else if (version != _version?.Version)
        {
            _log.Info("{Node} proposes version {Version}: all members run it", _nodeId, version);
            _version = new Command.ClusterVersion(version);
            Propose();
        }
    }

    // One at a time: the next one goes out when the log has taken this one.
    private void Propose()
    {
        if (_isUnderWay || ((Command?)_snapshot ?? _version) is not { } command)
        {
            return;
        }
        _isUnderWay = true;
        Timers.Cancel(nameof(TryAgain));
        var pending = new PendingCommand(command, requestId: null);
        pending.Reply.PipeTo(
            Self,
            success: reply => new Taken(command, reply),
            failure: cause => new NotTaken(command, cause));
        _publisher.Tell(new PublisherActor.Submit(pending));
    }

    private void End(Command command, Reply reply)
    {
        _isUnderWay = false;
        if (reply is Reply.Refused refused)
        {
            _log.Warning("{Node} proposed {Command}, refused: {Error}", _nodeId, command, refused.Error);
        }
        else
        {
            _log.Debug("{Node} proposed {Command}, applied", _nodeId, command);
        }
        if (ReferenceEquals(command, _snapshot)) { _snapshot = null; }
        if (ReferenceEquals(command, _version)) { _version = null; }
        Propose();
    }

    private void RetryLater(NotTaken failed)
    {
        _isUnderWay = false;
        _log.Debug("{Node} proposes later: {Cause}", _nodeId, failed.Cause.Message);
        if (failed.Cause is KvException { Code: not (KvError.Halted or KvError.Stopping) })
        {
            Timers.StartSingleTimer(
                nameof(TryAgain), new TryAgain(), TimeSpan.FromMilliseconds(RetryDelayMs));
        }
    }
}
