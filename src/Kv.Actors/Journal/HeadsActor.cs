using Akka.Actor;
using Akka.Event;
using Kv.Actors.Fanouts;

namespace Kv.Actors.Journal;

/// <summary>
/// Tells the other nodes how far this node's journal is on disk, and its parent how far theirs are. One
/// message is under way at a time; meanwhile only the newest head counts.
/// </summary>
internal sealed class HeadsActor : ReceiveActor, IWithTimers
{
    /// <summary>From the parent: this node's journal is on disk up to there.</summary>
    /// <param name="ClusterId">0: this node belongs to none yet.</param>
    internal sealed record Own(ulong ClusterId, JournalPoint Head);

    /// <summary>From the parent: all nodes are to tell their heads.</summary>
    internal sealed record Ask(ulong Question);

    /// <summary>To the parent.</summary>
    internal sealed record Heard(string NodeId, JournalPoint Head, ulong Answers);

    private sealed record Published(Exception? Failure);

    private sealed record PublishAgain;

    private const int RetryDelayMs = 1_000;

    /// <summary>Questions not answered yet; beyond, the node asks again.</summary>
    private const int QuestionsMax = 128;

    private readonly string _nodeId;
    private readonly IFanout _fanout;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly CancellationTokenSource _stopping = new();
    private readonly HashSet<ulong> _toAnswer = [];
    private Own? _own;
    private bool _isOwnTold = true;
    private ulong _toAsk;
    private bool _isPublishing;
    private bool _hasTrouble;

    public HeadsActor(string nodeId, IFanout fanout)
    {
        _nodeId = nodeId;
        _fanout = fanout;
        Receive<Own>(own =>
        {
            _isOwnTold &= own == _own;
            _own = own;
            Publish();
        });
        Receive<Ask>(ask =>
        {
            _toAsk = ask.Question;
            Publish();
        });
        Receive<Published>(EndPublish);
        Receive<PublishAgain>(_ => Publish());
        Receive<FanoutReceiver.Opened>(_ => Sender.Tell(FanoutReceiver.Next.Instance));
        Receive<IReadOnlyList<FanoutDelivery>>(Take);
        Receive<FanoutReceiver.Attached>(_ => { });
        Receive<FanoutReceiver.Lost>(_ => { });
        Receive<FanoutReceiver.Closed>(_ => { });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    internal static Props Props(string nodeId, IFanout fanout) =>
        Akka.Actor.Props.Create(() => new HeadsActor(nodeId, fanout));

    protected override void PreStart() =>
        Context.ActorOf(FanoutReceiver.Props(_fanout, "journal heads"), "receiver");

    protected override void PostStop() => _stopping.Cancel();

    private void Take(IReadOnlyList<FanoutDelivery> deliveries)
    {
        foreach (FanoutDelivery delivery in deliveries)
        {
            HeadMessage? message = HeadMessage.TryDecode(delivery.Body);
            delivery.Acknowledge();
            if (message is null || message.NodeId == _nodeId || !IsOfOurCluster(message))
            {
                continue;
            }
            if (message.Kind == HeadKind.Head)
            {
                Context.Parent.Tell(new Heard(message.NodeId, message.Head, message.Question));
            }
            else if (_toAnswer.Count < QuestionsMax)
            {
                _toAnswer.Add(message.Question);
            }
        }
        Publish();
        Sender.Tell(FanoutReceiver.Next.Instance);
    }

    private bool IsOfOurCluster(HeadMessage message) =>
        message.ClusterId == 0 || _own is not { ClusterId: not 0 } own || message.ClusterId == own.ClusterId;

    private void Publish()
    {
        if (_isPublishing || Timers.IsTimerActive(nameof(PublishAgain)))
        {
            return;
        }
        if (_toAsk != 0)
        {
            Send(new HeadMessage(HeadKind.Ask, _nodeId, _own?.ClusterId ?? 0, _toAsk, JournalPoint.Start));
            _toAsk = 0;
        }
        else if (_own is { } own && (_toAnswer.Count > 0 || !_isOwnTold))
        {
            ulong question = _toAnswer.FirstOrDefault();
            _toAnswer.Remove(question);
            _isOwnTold = true;
            Send(new HeadMessage(HeadKind.Head, _nodeId, own.ClusterId, question, own.Head));
        }
    }

    private void Send(HeadMessage message)
    {
        _isPublishing = true;
        _fanout.PublishAsync(
            new FanoutMessage(message.Encode(), HeadMessage.ContentType, FanoutMessage.NoHeaders),
            _stopping.Token).PipeTo(
                Self,
                success: () => new Published(null),
                failure: cause => new Published(cause));
    }

    private void EndPublish(Published published)
    {
        _isPublishing = false;
        if (published.Failure is null)
        {
            _hasTrouble = false;
            Publish();
            return;
        }
        // What was asked is asked again by whoever waits; the head goes out again.
        _isOwnTold = false;
        if (!_hasTrouble)
        {
            _hasTrouble = true;
            _log.Warning(
                "{Node} cannot tell how far its journal is: {Cause}", _nodeId, published.Failure.Message);
        }
        Timers.StartSingleTimer(
            nameof(PublishAgain), new PublishAgain(), TimeSpan.FromMilliseconds(RetryDelayMs));
    }
}
