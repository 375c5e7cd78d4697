using System.Runtime.CompilerServices;
using Akka.Actor;
using Kv.Actors.Fanouts;
using Kv.Actors.Nodes;
using Kv.Actors.Presence;
using Kv.Core.Entries;
using Kv.Core.Merge;
using Kv.Core.Store;
using Kv.Protos.Internal.V1;

namespace Kv.Actors.Queue;

/// <summary>A node in queue mode: converges by merging, promises no order between publishers.</summary>
/// <remarks>
/// It takes Set, Get, Print and Del. Any thread. If a part of it fails it stops as a whole, since its state
/// is lost then; <see cref="Ended"/> says so, and the process should start anew.
/// </remarks>
public sealed class QueueNode : IKvNode, IPeerState, IAsyncDisposable
{
    private const int LeaveTimeoutMs = 1_000;
    private const int StopTimeoutMs = 5_000;

    // Each holds a moment's state in memory; peers pull rarely, and come again when refused.
    private const int ExportsMax = 4;

    private readonly QueueNodeOptions _options;
    private readonly QueueNodeParts _parts;
    private readonly QueueNodeSignals _signals;
    private readonly IActorRef _guardian;
    private readonly IActorRef _store;
    private readonly IActorRef _presence;
    private readonly SemaphoreSlim _exports = new(ExportsMax);
    private int _disposed;

    private QueueNode(QueueNodeOptions options, QueueNodeParts parts, QueueNodeSignals signals,
        IActorRef guardian, IActorRef store, IActorRef presence)
    {
        _options = options;
        _parts = parts;
        _signals = signals;
        _guardian = guardian;
        _store = store;
        _presence = presence;
    }

    public string NodeId => _options.NodeId;

    public ReplicationMode Mode => ReplicationMode.Queue;

    public AckLevel? Ack => null;

    /// <summary>
    /// Ends when the node has been let in, some <see cref="PresenceOptions.WhoWaitMs"/> after the broker was
    /// reached; until then it serves nothing.
    /// </summary>
    /// <exception cref="NodeRefusedException">Its id is taken, or the others run in another mode.</exception>
    public Task Admitted => _signals.Admitted.Task;

    /// <summary>Cancelled when the node has stopped, by request or because a part of it failed.</summary>
    public CancellationToken Ended => _signals.Ended.Token;

    /// <summary>Starts a node. It owns the fanouts and the peer client from here on.</summary>
    /// <exception cref="InvalidDataException">The file of Lamport times is damaged.</exception>
    /// <exception cref="IOException">It cannot be written.</exception>
    public static async Task<QueueNode> StartAsync(
        ActorSystem system, QueueNodeOptions options, IFanout commands, IFanout presence, IPeerClient peers)
    {
        options.Validate();
        long nowUs = options.Clock.GetUtcNow().ToUnixTimeMilliseconds() * 1_000;
        long incarnation = options.Incarnation == 0 ? nowUs + Random.Shared.Next(1_000) : options.Incarnation;
        var lamportFile = new LamportFile(options.DataDirectory);
        // The wall clock is a second guard against using a time twice, for a node that has lost its file.
        long time = Math.Max(lamportFile.Load(), nowUs);
        long reserved = await lamportFile.ReserveAsync(time + QueueStoreSettings.ReserveBlock);
        var settings = new QueueStoreSettings(
            options.NodeId, incarnation, peers.Exchange, options.Order, time, reserved,
            options.PublishWindow, options.RepublishDelayMs);
        var self = new Announcement(
            options.NodeId, incarnation, options.Url, ReplicationMode.Queue, NodeState.Starting);
        var parts = new QueueNodeParts(commands, presence, peers, lamportFile);
        var signals = new QueueNodeSignals();
        IActorRef guardian = system.ActorOf(
            AntiEntropyActor.Props(parts, options, self, settings, signals),
            $"queue-{Uri.EscapeDataString(options.NodeId)}-{incarnation:x}");
        (IActorRef store, IActorRef presenceActor) = await signals.Children.Task;
        return new QueueNode(options, parts, signals, guardian, store, presenceActor);
    }

    public async Task<Reply> ExecuteAsync(LoggedCommand logged, CancellationToken cancellation)
    {
        if (logged.RequestId is not null)
        {
            throw new KvException(KvError.UnsupportedInMode, "Queue mode has no request ids.");
        }
        QueueMessage message = QueueCommands.ToMessage(logged.Command, NodeId);
        if (QueueCommands.RefusalOf(message) is { } error)
        {
            return new Reply.Refused(error) { Revision = 0, Order = 0 };
        }
        var pending = new PendingCommand(message, QueueCommands.Encode(message));
        if (cancellation.IsCancellationRequested)
        {
            throw new KvException(KvError.DeadlineBeforePublish,
                "The deadline ended before the command was published.");
        }
        _store.Tell(new QueueStoreActor.Execute(pending));
        await using CancellationTokenRegistration givingUp = cancellation.Register(
            () => _store.Tell(new QueueStoreActor.GiveUp(pending)));
        return await AnswerAsync(pending.Answer, KvError.OutcomeUnknown, CancellationToken.None);
    }

    public Task<Reply.Got> GetLocalAsync(ReadOnlyMemory<byte> key, CancellationToken cancellation) =>
        AskAsync<Reply.Got>(_store, answer => new QueueStoreActor.ReadKey(key.ToArray(), answer),
            cancellation);

    public Task<Reply.Printed> PrintLocalAsync(CancellationToken cancellation) =>
        AskAsync<Reply.Printed>(_store, answer => new QueueStoreActor.ReadAll(answer), cancellation);

    public async Task<NodeStatus> GetStatusAsync(CancellationToken cancellation)
    {
        if (Ended.IsCancellationRequested) { return StatusAfterEnd(); }
        try
        {
            QueueStoreActor.Description own = await AskAsync<QueueStoreActor.Description>(
                _store, answer => new QueueStoreActor.DescribeTo(answer), cancellation);
            IReadOnlyList<Member> members = await AskAsync<IReadOnlyList<Member>>(
                _presence, answer => new PresenceActor.ListMembers(answer), cancellation);
            return QueueStatus.Of(NodeId, own, members, _parts.Commands.UnavailableBecause);
        }
        catch (KvException) when (Ended.IsCancellationRequested)
        {
            return StatusAfterEnd();
        }
    }

    public async Task StopAsync(CancellationToken deadline)
    {
        if (!Ended.IsCancellationRequested)
        {
            await TryAsync(done => _store.Tell(new QueueStoreActor.Drain(done)), deadline);
            using var leaving = CancellationTokenSource.CreateLinkedTokenSource(deadline);
            leaving.CancelAfter(LeaveTimeoutMs);
            await TryAsync(done => _presence.Tell(new PresenceActor.Leave(done)), leaving.Token);
        }
        await DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 1) { return; }
        await _guardian.GracefulStop(TimeSpan.FromMilliseconds(StopTimeoutMs));
        await _parts.Commands.DisposeAsync();
        await _parts.Presence.DisposeAsync();
        await _parts.Peers.DisposeAsync();
        _exports.Dispose();
    }

    public async IAsyncEnumerable<StateChunk> ExportAsync(
        GetStateRequest request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        if (request.Exchange != _parts.Peers.Exchange)
        {
            throw new KvException(KvError.UnsupportedInMode,
                $"This node is on exchange {_parts.Peers.Exchange}, not {request.Exchange}.");
        }
        if (request.ByArrival != (_options.Order == WriteOrder.Arrival))
        {
            throw new KvException(KvError.UnsupportedInMode, "This node has another QUEUE_ORDER.");
        }
        if (!await _exports.WaitAsync(0, cancellation))
        {
            throw new KvException(KvError.Overloaded, $"{ExportsMax} peers pull from this node already.");
        }
        try
        {
            ulong[] leaves = StateChunks.ToLeaves(request.LeafDigests);
            StateExport export = await AskAsync<StateExport>(
                _store, answer => new QueueStoreActor.TakeExport(answer), cancellation);
            foreach (StateChunk chunk in StateChunks.Of(export, leaves)) { yield return chunk; }
        }
        finally
        {
            _exports.Release();
        }
    }

    private NodeStatus StatusAfterEnd() => new(
        NodeId, Mode, NodeState.Halted, "The node has stopped; see its log.", "", 0, 0, 0, 0, "", [], []);

    private Task<T> AskAsync<T>(
        IActorRef actor, Func<TaskCompletionSource<T>, object> question, CancellationToken cancellation)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        actor.Tell(question(answer));
        return AnswerAsync(answer.Task, KvError.Stopping, cancellation);
    }

    /// <summary>An actor that has stopped answers no more.</summary>
    private async Task<T> AnswerAsync<T>(Task<T> answer, KvError afterEnd, CancellationToken cancellation)
    {
        try
        {
            return await (cancellation.CanBeCanceled
                ? answer.WaitAsync(cancellation).WaitAsync(Ended)
                : answer.WaitAsync(Ended));
        }
        catch (OperationCanceledException) when (Ended.IsCancellationRequested)
        {
            throw new KvException(afterEnd, "The node has stopped.");
        }
    }

    private async Task TryAsync(Action<TaskCompletionSource> tell, CancellationToken deadline)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        tell(done);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline, Ended);
        await done.Task.WaitAsync(either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
