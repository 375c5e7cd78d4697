using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Leasing;

/// <summary>
/// Times the leases of one node, and decides when it proposes to end some, or notes down what is left of
/// them. No actor, log, timer or thread of its own. Nothing ends here: the log decides.
/// </summary>
internal sealed class LessorCore
{
    private readonly LessorOptions _options;
    private readonly ILessorPort _port;
    private readonly LeaseClock _clock;
    private readonly KeepAlives _keepAlives;
    private readonly Dictionary<long, TimedLease> _leases = [];
    private readonly LeaseQueue _ends = new();
    private readonly LeaseQueue _checkpoints = new();
    private LessorCommand? _probe;
    private LessorCommand? _expiry;
    private LessorCommand? _checkpoint;
    private readonly List<TimedLease> _batch = [];
    private readonly List<TimedLease> _checkpointBatch = [];
    private bool _endsWhenProved;
    private long _retryAtMs;
    private long _heardAtMs;
    private int _rank;

    public LessorCore(LessorOptions options, ILessorPort port)
    {
        _options = options;
        _port = port;
        _rank = options.Rank;
        _clock = new LeaseClock(options);
        _keepAlives = new KeepAlives(options, renew => Send(new LessorCommand(renew)));
    }

    /// <summary>Leases timed: while there are none, nobody need call <see cref="Tick"/>.</summary>
    public int Count => _leases.Count;

    /// <summary>
    /// What is left of a lease, ms, 0 if it is over and nobody has ended it yet; null: it is not timed here.
    /// </summary>
    public long? RemainingMs(long leaseId, long nowMs)
    {
        _clock.Advance(nowMs);
        return _leases.TryGetValue(leaseId, out TimedLease? lease)
            ? Math.Max(0, lease.EndsAtMs - _clock.NowMs)
            : null;
    }

    /// <summary>The node has caught up, maybe once more. What is timed already goes on.</summary>
    /// <param name="leases">All that there are.</param>
    public void Begin(IReadOnlyCollection<LeaseChange> leases, long nowMs)
    {
        _clock.Advance(nowMs);
        var known = leases.Select(static lease => lease.LeaseId).ToHashSet();
        foreach (TimedLease gone in _leases.Values.Where(lease => !known.Contains(lease.Id)).ToList())
        {
            Forget(gone);
        }
        foreach (LeaseChange lease in leases)
        {
            Take(lease);
        }
        RunClock(nowMs);
    }

    /// <summary>Entries were applied.</summary>
    /// <param name="changes">Leases that they were about, as they are now.</param>
    public void NoteApplied(IReadOnlyList<LeaseChange> changes, long nowMs)
    {
        _clock.Advance(nowMs);
        _heardAtMs = nowMs;
        foreach (LeaseChange change in changes)
        {
            Take(change);
        }
        RunClock(nowMs);
    }

    /// <summary>Its place among the nodes that may end leases, from 0.</summary>
    public void SetRank(int rank) => _rank = rank;

    /// <param name="reply">The store's, or an exception of the node.</param>
    public void KeepAlive(long leaseId, TaskCompletionSource<Reply> reply, long nowMs)
    {
        _clock.Advance(nowMs);
        _keepAlives.Add(leaseId, reply);
    }

    /// <summary>A command was answered by the store.</summary>
    public void End(LessorCommand command, Reply reply, long nowMs)
    {
        _clock.Advance(nowMs);
        _clock.NoteEnded(command, isTaken: true, nowMs);
        if (command.Command is Command.LeaseRenew renew)
        {
            _keepAlives.End(renew.LeaseId, reply);
        }
        Settle(command, isDone: reply is not Reply.Refused, nowMs);
    }

    /// <summary>A command was not published, or nobody knows.</summary>
    public void Fail(LessorCommand command, Exception cause, long nowMs)
    {
        _clock.Advance(nowMs);
        _clock.NoteEnded(command, isTaken: false, nowMs);
        _retryAtMs = nowMs + _options.RetryDelayMs;
        if (command.Command is Command.LeaseRenew renew)
        {
            _keepAlives.Fail(renew.LeaseId, cause);
        }
        Settle(command, isDone: false, nowMs);
    }

    /// <summary>The node ends: nobody is left without an answer.</summary>
    public void Stop(Exception cause) => _keepAlives.FailAll(cause);

    /// <summary>To be called every <see cref="LessorOptions.TickMs"/> while there are leases.</summary>
    public void Tick(long nowMs)
    {
        _clock.Advance(nowMs);
        if (_leases.Count == 0)
        {
            _clock.Stop();
            return;
        }
        if (_port.Objection.Length > 0)
        {
            _clock.NoteFailed();
        }
        AbandonLateExpiry();
        Probe(nowMs);
        EndDue(nowMs);
        NoteCheckpoints(nowMs);
    }

    private void RunClock(long nowMs)
    {
        if (_leases.Count > 0)
        {
            _clock.Start(nowMs);
        }
    }

    private void Take(LeaseChange change)
    {
        TimedLease? lease = _leases.GetValueOrDefault(change.LeaseId);
        if (change.IsGone)
        {
            if (lease is not null) { Forget(lease); }
            return;
        }
        long endsAtMs = _clock.NowMs + change.RemainingMs;
        if (lease is null)
        {
            _leases.Add(change.LeaseId, lease = new TimedLease(change.LeaseId));
        }
        else if (lease.RenewedBehind == change.RenewedBehind)
        {
            // Not renewed: a checkpoint by a node that has timed it for longer, at most.
            endsAtMs = Math.Min(lease.EndsAtMs, endsAtMs);
        }
        (lease.RenewedBehind, lease.EndsAtMs) = (change.RenewedBehind, endsAtMs);
        _ends.Add(lease, endsAtMs);
        bool isLong = endsAtMs - _clock.NowMs > _options.CheckpointIntervalMs;
        lease.CheckpointAtMs = isLong ? _clock.NowMs + _options.CheckpointIntervalMs : null;
        if (lease.CheckpointAtMs is { } checkpointAtMs)
        {
            _checkpoints.Add(lease, checkpointAtMs);
        }
    }

    private void Forget(TimedLease lease)
    {
        lease.IsGone = true;
        _leases.Remove(lease.Id);
        _ends.Remove(lease);
        _checkpoints.Remove(lease);
    }

    // A log that is silent may be away. Who would end a lease soon wants to know before.
    private void Probe(long nowMs)
    {
        if (_probe is not null || nowMs < _retryAtMs || _port.Objection.Length > 0)
        {
            return;
        }
        long silentMs = nowMs - Math.Max(_heardAtMs, _clock.ProvedAtMs);
        bool endsSoon = _ends.NextAtMs - _clock.NowMs <= _options.LeadMs;
        if (_clock.IsAway || (endsSoon && silentMs >= _options.SilenceMs * (1L + _rank)))
        {
            SendProbe();
        }
    }

    private void SendProbe() => Send(_probe = new LessorCommand(new Command.Barrier()));

    private void EndDue(long nowMs)
    {
        if (_expiry is not null || !_clock.IsWell(nowMs) || _ends.NextAtMs > DueMs)
        {
            return;
        }
        if (nowMs - _clock.ProvedAtMs <= _options.ProofMs)
        {
            SendExpiry();
        }
        else if (_probe is null && nowMs >= _retryAtMs && HasDue())
        {
            // Sent when leases were over: what it comes back through is there for keep-alives, too.
            _endsWhenProved = true;
            SendProbe();
        }
    }

    private long DueMs => _clock.NowMs - _options.MarginMs - ((long)_rank * _options.RankDelayMs);

    // Leases that were renewed since they took their place in the queue are put back.
    private bool HasDue()
    {
        if (TakeDue() is not { } due)
        {
            return false;
        }
        _ends.Add(due, due.EndsAtMs);
        return true;
    }

    private TimedLease? TakeDue()
    {
        while (_ends.TakeDue(DueMs) is { } lease)
        {
            if (_keepAlives.IsRenewing(lease.Id))
            {
                // Its answer will tell; if there is none, the lease's turn comes again.
                _ends.Add(lease, _clock.NowMs + _options.RetryDelayMs);
            }
            else if (lease.EndsAtMs > DueMs)
            {
                _ends.Add(lease, lease.EndsAtMs);
            }
            else
            {
                return lease;
            }
        }
        return null;
    }

    private void SendExpiry()
    {
        while (_batch.Count < _options.BatchMax && TakeDue() is { } lease)
        {
            _batch.Add(lease);
        }
        if (_batch.Count > 0)
        {
            Send(_expiry = new LessorCommand(new Command.LeaseExpire(
                [.. _batch.Select(static lease => new LeaseExpiry(lease.Id, lease.RenewedBehind))])));
        }
    }

    // Keep-alives that come while it waits for the log would else stand behind it.
    private void AbandonLateExpiry()
    {
        if (_expiry is not null && _clock.IsAway)
        {
            _port.TryAbandon(_expiry);
        }
    }

    private void NoteCheckpoints(long nowMs)
    {
        if (_rank > 0 || _checkpoint is not null || !_clock.IsWell(nowMs))
        {
            return;
        }
        while (_checkpointBatch.Count < _options.BatchMax && _checkpoints.TakeDue(_clock.NowMs) is { } lease)
        {
            if (lease.CheckpointAtMs > _clock.NowMs)
            {
                _checkpoints.Add(lease, lease.CheckpointAtMs.Value);
            }
            else if (lease.CheckpointAtMs is not null)
            {
                _checkpointBatch.Add(lease);
            }
        }
        if (_checkpointBatch.Count > 0)
        {
            Send(_checkpoint = new LessorCommand(new Command.LeaseCheckpoint(
                [.. _checkpointBatch.Select(lease => new LeaseRemainder(
                    lease.Id, lease.RenewedBehind, Math.Max(1, lease.EndsAtMs - _clock.NowMs)))])));
        }
    }

    private void Send(LessorCommand command)
    {
        _clock.NoteSent(command);
        _port.Send(command);
    }

    private void Settle(LessorCommand command, bool isDone, long nowMs)
    {
        if (command == _probe)
        {
            _probe = null;
            if (isDone && _endsWhenProved && _expiry is null && _clock.IsWell(nowMs))
            {
                SendExpiry();
            }
            _endsWhenProved = false;
        }
        else if (command == _expiry)
        {
            _expiry = null;
            // Those that are gone are forgotten when the store says so, which may be a moment later.
            PutBack(_ends, _batch);
            if (isDone && _clock.IsWell(nowMs))
            {
                SendExpiry();
            }
        }
        else if (command == _checkpoint)
        {
            _checkpoint = null;
            PutBack(_checkpoints, _checkpointBatch);
        }
    }

    private void PutBack(LeaseQueue queue, List<TimedLease> batch)
    {
        foreach (TimedLease lease in batch.Where(static lease => !lease.IsGone))
        {
            queue.Add(lease, _clock.NowMs + _options.RetryDelayMs);
        }
        batch.Clear();
    }
}

/// <summary>What <see cref="LessorCore"/> has others do: an actor, or a test in virtual time.</summary>
internal interface ILessorPort
{
    /// <summary>Why this node must not write now; empty: it may.</summary>
    string Objection { get; }

    /// <summary>
    /// Hands a command to the publisher; what came of it is told by <see cref="LessorCore.End"/> or
    /// <see cref="LessorCore.Fail"/>, later and not from within.
    /// </summary>
    void Send(LessorCommand command);

    /// <summary>Takes back a command that was not published; if that succeeds it fails.</summary>
    void TryAbandon(LessorCommand command);
}
