using Akka.Actor;
using Kv.Actors.Journal;
using Kv.Actors.Membership;
using Kv.Actors.Publishing;
using Kv.Actors.Snapshots;
using Kv.Actors.Store;
using Kv.Actors.Watching;
using Kv.Core;
using Kv.Core.Entries;
using Kv.Core.Snapshots;
using Kv.Core.Store;

namespace Kv.Actors.Nodes;

/// <summary>The edge's handle on a node of a totally ordered mode.</summary>
public sealed partial class LogNode : IKvNode
{
    private readonly LogNodeOptions _options;
    private readonly IActorRef _node;
    private readonly IActorRef _store;
    private readonly IActorRef _publisher;
    private readonly IActorRef _watches;
    private readonly IActorRef? _snapshots;
    private readonly IActorRef? _journal;
    private int _commandsAdmitted;
    private long _bytesAdmitted;
    private volatile bool _stopping;

    private LogNode(
        LogNodeOptions options,
        IActorRef node,
        LogNodeActor.Parts parts,
        Task<ulong> clusterKnown,
        PublishedAuth auth)
    {
        _clusterKnown = clusterKnown;
        _auth = auth;
        _options = options;
        _node = node;
        _store = parts.Store;
        _publisher = parts.Publisher;
        _watches = parts.Watches;
        _lessor = parts.Lessor;
        _snapshots = parts.Snapshots;
        _journal = parts.Journal;
    }

    public string NodeId => _options.NodeId;

    public ReplicationMode Mode => _options.Mode;

    // The embedded log fsyncs each entry before it gives it to anybody.
    public AckLevel? Ack => Mode == ReplicationMode.Embedded ? AckLevel.Persisted : _options.Publisher.Ack;

    /// <summary>Starts the node's actors; it catches up with the log by itself.</summary>
    public static async Task<LogNode> StartAsync(ActorSystem system, LogNodeOptions options)
    {
        var clusterKnown = new TaskCompletionSource<ulong>(
            TaskCreationOptions.RunContinuationsAsynchronously);
        var auth = new PublishedAuth();
        LogNodeOptions noting = options with
        {
            OnAuthChanged = table => auth.Table = table,
            OnClusterKnown = clusterId =>
            {
                options.OnClusterKnown(clusterId);
                clusterKnown.TrySetResult(clusterId);
            },
        };
        IActorRef node = system.ActorOf(LogNodeActor.Props(noting), $"node-{options.NodeId}");
        LogNodeActor.Parts parts = await node.Ask<LogNodeActor.Parts>(new LogNodeActor.GetParts());
        return new LogNode(options, node, parts, clusterKnown.Task, auth);
    }

    public async Task<Reply> ExecuteAsync(LoggedCommand logged, CancellationToken cancellation)
    {
        bool isRead = logged.Command is Command.Get or Command.Print or Command.Barrier or Command.Range;
        await CheckServingAsync(isWrite: !isRead, cancellation);
        var pending = new PendingCommand(logged.Command, logged.RequestId, LetGo, logged.Principal);
        Admit(pending);
        try
        {
            _publisher.Tell(new PublisherActor.Submit(pending), ActorRefs.NoSender);
            Reply reply = await pending.Reply.WaitAsync(cancellation);
            if (Gate is { } gate)
            {
                // It may have been applied from a log that peers know to be another one.
                await gate.Opened.WaitAsync(cancellation);
            }
            return reply;
        }
        catch (OperationCanceledException)
        {
            throw Late(pending);
        }
    }

    private static KvException Late(PendingCommand pending)
    {
        if (pending.TryAbandon())
        {
            return new KvException(
                KvError.DeadlineBeforePublish,
                "The deadline ended before the command was published; it never will be.");
        }
        return pending.IsApplied
            ? new KvException(
                KvError.NotPersisted,
                $"{PendingCommand.NotPersistedText} The journals of too few nodes were on disk in time.")
            : new KvException(
                KvError.OutcomeUnknown,
                "The command was published, but its answer did not come in time: the outcome is unknown.");
    }

    public async Task<Reply.Got> GetLocalAsync(ReadOnlyMemory<byte> key, CancellationToken cancellation) =>
        (Reply.Got)await AskStoreAsync(new StoreActor.GetLocal(key), cancellation);

    public async Task<Reply.Printed> PrintLocalAsync(CancellationToken cancellation) =>
        (Reply.Printed)await AskStoreAsync(new StoreActor.PrintLocal(), cancellation);

    public async Task<NodeStatus> GetStatusAsync(CancellationToken cancellation)
    {
        NodeStatus own = await DescribeAsync(cancellation);
        IReadOnlyList<MemberStatus> members = await _options.ListMembers(cancellation);
        IEnumerable<string> halted = members
            .Where(static member => member.State == NodeState.Halted)
            .Select(static member =>
                $"{member.NodeId} has halted at offset {member.AppliedOffset}; its status says why");
        return own with { Members = members, Alarms = [.. own.Alarms, .. halted] };
    }

    /// <summary>The status without what the other members are.</summary>
    public async Task<NodeStatus> DescribeAsync(CancellationToken cancellation)
    {
        var status = await _store.Ask<StoreActor.StoreStatus>(new StoreActor.GetStatus(), cancellation);
        bool isHeld = status.State == NodeState.Ready && Gate is { NotReadyBecause.Length: > 0 };
        List<string> alarms = [];
        if (status.Strays > 0)
        {
            alarms.Add($"{status.Strays} messages in the log are not this cluster's and were ignored");
        }
        AddLogAlarms(status.Log, alarms);
        if (status.FeedTrouble.Length > 0)
        {
            alarms.Add($"the log cannot be read: {status.FeedTrouble}");
        }
        if (_snapshots is not null
            && await _snapshots.Ask<SnapshotActor.SnapshotStatus>(
                new SnapshotActor.GetStatus(), cancellation) is { Trouble.Length: > 0 } snapshots)
        {
            alarms.Add(snapshots.Trouble);
        }
        if (Gate is { NoWritesBecause.Length: > 0 } gate)
        {
            alarms.Add($"no writes are taken: {gate.NoWritesBecause}");
        }
        (NodeState state, string reason) = isHeld
            ? (NodeState.Starting, Gate!.NotReadyBecause)
            : (status.State, status.Reason);
        if (_journal is not null)
        {
            var journal = await _journal.Ask<JournalActor.JournalStatus>(
                new JournalActor.GetStatus(), cancellation);
            if (journal.Trouble.Length > 0)
            {
                alarms.Add(journal.Trouble);
            }
            if (state == NodeState.Ready && journal.Refusal.Length > 0)
            {
                (state, reason) = (NodeState.Starting, journal.Refusal);
            }
        }
        return new NodeStatus(
            NodeId,
            Mode,
            state,
            reason,
            status.ClusterId == 0 ? "" : status.ClusterId.ToString("x16"),
            status.AppliedOffset,
            status.Revision,
            status.Order,
            status.Keys,
            status.Chain.ToString(),
            Members: [],
            alarms) { Log = status.Log };
    }

    /// <summary>
    /// All that this node has applied, to be written out as a snapshot. A halted node gives it, too.
    /// </summary>
    /// <exception cref="KvException">The node has nothing yet, or has not caught up with the log.</exception>
    public async Task<(StoreCapture Capture, bool IsHalted)> CaptureAsync(CancellationToken cancellation)
    {
        object answer = await _store.Ask<object>(new StoreActor.CaptureNow(), cancellation);
        return answer is StoreActor.Captured { State: not NodeState.Starting } captured
            ? (captured.Capture, captured.State == NodeState.Halted)
            : throw new KvException(KvError.NotReady, "This node has not caught up with the log yet.");
    }

    public async Task StopAsync(CancellationToken deadline)
    {
        _stopping = true;
        _watches.Tell(new WatchHubActor.Stop());
        try
        {
            await _publisher.Ask<PublisherActor.Drained>(new PublisherActor.Drain(), deadline);
            if (_snapshots is not null)
            {
                await _snapshots.Ask<SnapshotActor.SaveDone>(new SnapshotActor.SaveNow(), deadline);
            }
            if (_journal is not null)
            {
                // By way of the store: behind all that it has handed to the journal.
                await _store.Ask<JournalActor.WrittenOut>(new JournalActor.WriteOut(), deadline);
            }
        }
        catch (Exception late) when (late is OperationCanceledException or AskTimeoutException)
        {
            // What is left gets its answer from the publisher's end: outcome unknown. A snapshot that is not
            // written in time only makes the next start longer.
        }
        if (_options.Membership is { } membership)
        {
            await membership.LeaveAsync();
        }
        await _node.GracefulStop(TimeSpan.FromSeconds(5));
    }

    private ServingGate? Gate => _options.Membership?.Gate;

    private async ValueTask CheckServingAsync(bool isWrite, CancellationToken cancellation)
    {
        if (Gate is { NotReadyBecause: { Length: > 0 } notReady })
        {
            var status = await _store.Ask<StoreActor.StoreStatus>(new StoreActor.GetStatus(), cancellation);
            throw status.State == NodeState.Halted
                ? new KvException(KvError.Halted, status.Reason)
                : new KvException(KvError.NotReady, notReady);
        }
        if (isWrite && Gate is { NoWritesBecause: { Length: > 0 } noWrites })
        {
            throw new KvException(
                KvError.Diverged,
                $"Members of this cluster disagree, so none takes writes: {noWrites} Stop the one that is "
                    + "wrong; the others then go on.");
        }
    }

    private void Admit(PendingCommand pending)
    {
        if (_stopping)
        {
            throw new KvException(KvError.Stopping, "The node stops.");
        }
        int commands = Interlocked.Increment(ref _commandsAdmitted);
        long bytes = Interlocked.Add(ref _bytesAdmitted, pending.BytesMax);
        if (commands > KvLimits.CommandsWaitingMax || bytes > KvLimits.BytesWaitingMax)
        {
            LetGo(pending);
            throw new KvException(
                KvError.Overloaded,
                $"This node has {commands - 1} commands ({bytes - pending.BytesMax} bytes) under way; it "
                + $"takes {KvLimits.CommandsWaitingMax} ({KvLimits.BytesWaitingMax} bytes). Slow down and "
                + "try again.");
        }
    }

    // Not when the caller goes: what the publisher still holds takes memory, whoever waits for it.
    private void LetGo(PendingCommand pending)
    {
        Interlocked.Decrement(ref _commandsAdmitted);
        Interlocked.Add(ref _bytesAdmitted, -pending.BytesMax);
    }

    private void AddLogAlarms(LogStatus log, List<string> alarms)
    {
        PublisherOptions publisher = _options.Publisher;
        if (log.Skips > 0)
        {
            alarms.Add(
                $"{log.Skips} entries of the log could not be read and were skipped, the last at offset "
                    + $"{log.SkippedOffsets[^1]}: what they said is lost");
        }
        if (log.ClusterVersion > 0 && publisher.ClusterSize > 0 && publisher.ClusterSize != log.ClusterSize)
        {
            alarms.Add(
                $"KV_CLUSTER_SIZE is {publisher.ClusterSize}, but the cluster's size is {log.ClusterSize} "
                    + "and that holds: the setting counts when a cluster is founded; kv cluster-size "
                    + "changes it");
        }
        if (publisher.Retention is { } limits
            && RetentionGuard.Alarm(limits, log.UncoveredBytes, log.ClusterSize) is { } alarm)
        {
            alarms.Add(alarm);
        }
    }
}
