using Kv.Actors.Leasing;
using Kv.Actors.Nodes;
using Kv.Actors.Tests.Core;
using Kv.Actors.Tests.Snapshots;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Tests.Leasing;

/// <summary>
/// Nodes that time leases on one log, in virtual time. The log can be away, nodes can stand still, lag and
/// start anew; clients keep leases alive. It notes when each lease was asked for, acknowledged and ended.
/// </summary>
internal sealed class LeaseWorld
{
    internal const int StepMs = 10;

    private readonly PriorityQueue<Action, (long AtMs, long Number)> _events = new();
    private readonly List<Command> _log = [];
    private readonly List<(LessorNode Node, LessorCommand Command)> _waiting = [];
    private readonly Dictionary<long, long> _acknowledgedAtMs = [];
    private readonly Dictionary<long, long> _toldUntilMs = [];
    private readonly Dictionary<long, long> _endedAtMs = [];
    private long _eventCount;

    /// <param name="startMs">What the monotonic clock shows at the beginning.</param>
    public LeaseWorld(int nodes, LessorOptions? options = null, long startMs = 0)
    {
        NowMs = startMs;
        Options = options ?? new LessorOptions();
        Nodes = [.. Enumerable.Range(0, nodes).Select(rank => new LessorNode(this, rank))];
        foreach (LessorNode node in Nodes)
        {
            node.CatchUp();
        }
    }

    public LessorOptions Options { get; }

    /// <summary>How long a node says that a lease lives.</summary>
    public LessorOptions TellsFor { get; } = new();

    public IReadOnlyList<LessorNode> Nodes { get; }

    public long NowMs { get; private set; }

    /// <summary>From a node to the log, and from the log to each node, ms.</summary>
    public int LatencyMs { get; set; } = 3;

    /// <summary>Nothing gets into the log; what was sent gets there afterwards.</summary>
    public bool IsLogAway { get; set; }

    /// <summary>All commands in the log.</summary>
    public IReadOnlyList<Command> Log => _log;

    public IEnumerable<T> Logged<T>() where T : Command => _log.OfType<T>();

    /// <summary>When a lease was gone from the first node; null: it is there.</summary>
    public long? EndedAtMs(long lease) => _endedAtMs.TryGetValue(lease, out long at) ? at : null;

    /// <summary>When the last grant or keep-alive of a lease was answered.</summary>
    public long AcknowledgedAtMs(long lease) => _acknowledgedAtMs[lease];

    /// <summary>Until when the clients may count on a lease, by what they were told and when.</summary>
    public long ToldUntilMs(long lease) => _toldUntilMs[lease];

    public void At(long atMs, Action action) => _events.Enqueue(action, (atMs, _eventCount++));

    public void RunUntil(long atMs)
    {
        while (NowMs < atMs)
        {
            NowMs += StepMs;
            while (_events.TryPeek(out Action? action, out (long AtMs, long) at) && at.AtMs <= NowMs)
            {
                _events.Dequeue();
                action();
            }
            foreach (LessorNode node in Nodes)
            {
                node.TickIfDue();
            }
            if (!IsLogAway)
            {
                TakeWaiting();
            }
        }
    }

    public void RunFor(long ms) => RunUntil(NowMs + ms);

    /// <summary>A client grants a lease by way of a node; returns when it has the answer.</summary>
    public void Grant(long lease, long ttlSeconds, int node = 0)
    {
        var grant = new LessorCommand(new Command.LeaseGrant(lease, ttlSeconds));
        Nodes[node].Clients.Add(grant, _ => NoteTold(lease, ttlSeconds));
        Send(Nodes[node], grant);
        while (!_acknowledgedAtMs.ContainsKey(lease))
        {
            RunFor(StepMs);
        }
    }

    /// <summary>A client sends a keep-alive to a node, now.</summary>
    public Task<Reply> KeepAlive(long lease, int node = 0)
    {
        var reply = new TaskCompletionSource<Reply>();
        long askedAtMs = 0;
        Nodes[node].Do(() =>
        {
            askedAtMs = NowMs;
            Nodes[node].Core.KeepAlive(lease, reply, NowMs);
        });
        // Without a context to go back to, this runs in the world's own thread when the answer comes.
        reply.Task.ContinueWith(
            answered =>
            {
                if (answered.Result is Reply.Leased leased)
                {
                    long seconds = TellsFor.SecondsToTell(leased.TtlSeconds, NowMs - askedAtMs);
                    NoteTold(lease, seconds);
                    // Told that nothing is left for certain, a node asks once more.
                    if (seconds <= 0) { At(NowMs, () => KeepAlive(lease, node)); }
                }
            },
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously | TaskContinuationOptions.OnlyOnRanToCompletion,
            TaskScheduler.Default);
        return reply.Task;
    }

    /// <summary>A client sends keep-alives to a node from now on, until a time.</summary>
    public void KeepAliveEvery(long ms, long lease, long untilMs, Func<int> node)
    {
        if (NowMs < untilMs)
        {
            KeepAlive(lease, node());
            At(NowMs + ms, () => KeepAliveEvery(ms, lease, untilMs, node));
        }
    }

    internal void Send(LessorNode node, LessorCommand command)
    {
        if (IsLogAway)
        {
            _waiting.Add((node, command));
        }
        else
        {
            At(NowMs + LatencyMs, () => Append(node, command));
        }
    }

    internal bool TakeBack(LessorCommand command) =>
        _waiting.RemoveAll(waiting => ReferenceEquals(waiting.Command, command)) > 0;

    internal void NoteApplied(IReadOnlyList<LeaseChange> changes)
    {
        foreach (LeaseChange change in changes.Where(static change => change.IsGone))
        {
            _endedAtMs.TryAdd(change.LeaseId, NowMs);
        }
    }

    private void NoteTold(long lease, long seconds)
    {
        if (seconds > 0)
        {
            _acknowledgedAtMs[lease] = NowMs;
            _toldUntilMs[lease] = Math.Max(
                _toldUntilMs.GetValueOrDefault(lease), NowMs + (seconds * 1_000));
        }
    }

    private void TakeWaiting()
    {
        foreach ((LessorNode node, LessorCommand command) in _waiting)
        {
            Append(node, command);
        }
        _waiting.Clear();
    }

    private void Append(LessorNode from, LessorCommand command)
    {
        if (IsLogAway)
        {
            _waiting.Add((from, command));
            return;
        }
        _log.Add(command.Command);
        int place = _log.Count;
        foreach (LessorNode node in Nodes)
        {
            LessorCommand? own = ReferenceEquals(node, from) ? command : null;
            At(NowMs + LatencyMs + node.LagMs, () => node.Do(() => node.Deliver(place, own)));
        }
    }
}

/// <summary>One node of a <see cref="LeaseWorld"/>: a store, and a lessor beside it.</summary>
internal sealed class LessorNode(LeaseWorld world, int rank) : ILessorPort
{
    private readonly LeaseNews _news = new();
    private readonly Queue<Action> _mailbox = new();
    private readonly SortedDictionary<int, LessorCommand?> _delivered = [];
    private readonly Dictionary<LessorCommand, LessorCore> _senders = [];
    private int _applied;
    private long _tickAtMs;
    private bool _isPaused;

    public LessorCore Core { get; private set; } = null!;

    public KeyValueStore Store { get; private set; } = Founded();

    public Dictionary<LessorCommand, Action<Reply>> Clients { get; } = [];

    public int LagMs { get; set; }

    public string Objection { get; set; } = "";

    /// <summary>The process is stopped; what comes waits for it.</summary>
    public void Pause() => _isPaused = true;

    /// <summary>The timer that was due comes first, as bad as can be.</summary>
    public void Resume()
    {
        _isPaused = false;
        TickIfDue();
        while (_mailbox.TryDequeue(out Action? action))
        {
            action();
        }
    }

    /// <summary>The process ends and starts again from a snapshot and the log behind it.</summary>
    public void Restart()
    {
        Store = Stores.Decode(Stores.Encode(Store));
        CatchUp();
    }

    public void CatchUp()
    {
        Core = new LessorCore(world.Options with { Rank = rank }, this);
        Core.Begin(_news.TakeAll(Store.Leases), world.NowMs);
    }

    public void Do(Action action)
    {
        if (_isPaused)
        {
            _mailbox.Enqueue(action);
        }
        else
        {
            action();
        }
    }

    public void TickIfDue()
    {
        if (!_isPaused && Core.Count > 0 && world.NowMs >= _tickAtMs)
        {
            _tickAtMs = world.NowMs + world.Options.TickMs;
            Core.Tick(world.NowMs);
        }
    }

    /// <summary>Applied as soon as all before it is.</summary>
    /// <param name="own">This node's command; null: another node's.</param>
    public void Deliver(int place, LessorCommand? own)
    {
        _delivered.Add(place, own);
        while (_delivered.Remove(_applied + 1, out LessorCommand? next))
        {
            Apply(++_applied, next);
        }
    }

    private void Apply(int place, LessorCommand? own)
    {
        AppliedEntry applied = Store.Apply(
            Store.AppliedOffset + 1, Entries.Encode(1, place, world.Log[place - 1]));
        Assert.Equal(EntryFate.Applied, applied.Fate);
        _news.Note(applied);
        IReadOnlyList<LeaseChange> changes = _news.Take(Store.Leases);
        world.NoteApplied(changes);
        if (own is not null)
        {
            Answer(own, applied.Replies[0]);
        }
        Core.NoteApplied(changes, world.NowMs);
    }

    void ILessorPort.Send(LessorCommand command)
    {
        _senders.Add(command, Core);
        world.Send(this, command);
    }

    void ILessorPort.TryAbandon(LessorCommand command)
    {
        if (world.TakeBack(command))
        {
            var cause = new KvException(KvError.LogUnavailable, "Taken back.");
            world.At(world.NowMs, () => _senders[command].Fail(command, cause, world.NowMs));
        }
    }

    // A process that has ended meanwhile hears nothing of it any more.
    private void Answer(LessorCommand own, Reply reply)
    {
        if (Clients.Remove(own, out Action<Reply>? client))
        {
            client(reply);
        }
        else if (_senders.Remove(own, out LessorCore? sender) && sender == Core)
        {
            Core.End(own, reply, world.NowMs);
        }
    }

    private static KeyValueStore Founded()
    {
        var store = new KeyValueStore();
        store.Apply(0, Entries.Genesis());
        store.Apply(1, Entries.Register());
        return store;
    }
}
