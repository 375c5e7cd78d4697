using System.Diagnostics.CodeAnalysis;
using Akka.Actor;
using Akka.Event;
using Kv.Actors.Publishing;
using Kv.Actors.Snapshots;
using Kv.Core.Entries;

namespace Kv.Actors.Journal;

/// <summary>
/// Writes what the store applied to the node's journal, in order, off the actors' threads: one write, and
/// under ACK=persisted one fsync, for all that gathered meanwhile. A failure is an alarm: the node goes on
/// without a journal until a new one, and a snapshot from which it leads on, can be written.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "An actor's end is PostStop, which disposes.")]
public sealed class JournalActor : ReceiveActor, IWithTimers
{
    /// <summary>
    /// From the store: what it goes on from, at the start or because a peer's snapshot took its place.
    /// </summary>
    /// <param name="Genesis">Null: nothing was founded yet.</param>
    /// <param name="ClusterSize">As the log says it; 0: it does not.</param>
    /// <param name="Recent">The history that leads there, oldest first.</param>
    /// <param name="Reading">
    /// How reading this journal ended; null: it was not read since it was written.
    /// </param>
    public sealed record Begin(
        JournalPoint At,
        Genesis? Genesis,
        int ClusterSize,
        IReadOnlyList<JournalPoint> Recent,
        JournalReading? Reading);

    /// <summary>
    /// From the store: these were applied. Answered with <see cref="Taken"/> when they are written, or will
    /// not be.
    /// </summary>
    /// <param name="ClusterSize">See <see cref="Begin"/>.</param>
    public sealed record Append(
        Genesis? Genesis, int ClusterSize, IReadOnlyList<JournalRecord> Records, long Bytes);

    /// <summary>To the store: so many bytes are no longer pending.</summary>
    public sealed record Taken(long Bytes);

    /// <summary>From the store: the feed (re)connects to the log.</summary>
    public sealed record Connected;

    /// <summary>From the snapshots: these are on disk.</summary>
    /// <param name="Newest">Offset of the newest; -1: there is none.</param>
    /// <param name="Older">Below this offset no snapshot needs the journal; null: all is needed.</param>
    public sealed record SnapshotsKept(long Newest, long? Older);

    /// <summary>
    /// The node stops: nothing more is written. Answered with <see cref="WrittenOut"/>, also on failure.
    /// </summary>
    public sealed record WriteOut;

    /// <summary>All that was handed over is on disk, or will not be.</summary>
    public sealed record WrittenOut;

    /// <summary>Answered with <see cref="JournalStatus"/>.</summary>
    public sealed record GetStatus;

    /// <param name="Trouble">What does not work, for a person; empty when all does.</param>
    /// <param name="Refusal">Why the node must not write under ACK=persisted; empty: it may.</param>
    public sealed record JournalStatus(string Trouble, string Refusal);

    // Word of a former life or writer is told apart by the turn.
    private sealed record Wrote(JournalTurn By, bool IsNew);

    private sealed record WriteFailed(JournalTurn By, Exception Cause);

    private sealed record BeginAnew;

    private sealed record AskAgain;

    private readonly string _nodeId;
    private readonly JournalOptions _options;
    private readonly Func<ulong> _random;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly PersistedGate? _gate;
    private readonly IActorRef _heads = ActorRefs.Nobody;
    private IActorRef _store = ActorRefs.Nobody;
    private IActorRef _snapshots = ActorRefs.Nobody;
    private IActorRef? _writeOutAsker;

    // Null: nothing to write to, because it is not begun or cannot be written.
    private JournalTurn? _turn;
    private bool _isBusy;
    private List<JournalRecord> _pending = [];
    private long _pendingBytes;
    private long _busyBytes;
    private Genesis? _genesis;
    private JournalPoint _at = JournalPoint.Start;
    private long _newestSnapshot = -1;
    private long? _removeBelow;
    private string _trouble = "";
    private string _readTrouble = "";
    private long _readTroubleUpTo;
    private int _retryDelayMs;
    private PublisherActor.Persisted? _told;

    public ITimerScheduler Timers { get; set; } = null!;

    /// <param name="random">Names of questions: unique, not secret.</param>
    public static Props Props(string nodeId, JournalOptions options, Func<UInt128> random) =>
        Akka.Actor.Props.Create(() => new JournalActor(nodeId, options, random));

    public JournalActor(string nodeId, JournalOptions options, Func<UInt128> random)
    {
        _nodeId = nodeId;
        _options = options;
        _random = () => (ulong)random() | 1;
        _retryDelayMs = options.RetryDelayMsMin;
        if (options.Persisted is { } persisted)
        {
            _gate = new PersistedGate(nodeId, persisted.ClusterSize);
            _heads = Context.ActorOf(HeadsActor.Props(nodeId, persisted.Fanout), "heads");
        }
        Receive<Begin>(BeginAt);
        Receive<Append>(Take);
        Receive<Wrote>(wrote => wrote.By == _turn, EndWrite);
        Receive<WriteFailed>(failed => failed.By == _turn, failed => GiveUp(failed.Cause));
        Receive<BeginAnew>(_ => OpenAnew());
        Receive<SnapshotsKept>(NoteSnapshots);
        Receive<Connected>(_ => AskHeads());
        Receive<AskAgain>(_ => AskAgainIfNeeded());
        Receive<HeadsActor.Heard>(heard =>
        {
            _gate?.Heard(heard.NodeId, heard.Head, heard.Answers);
            TellPersisted();
        });
        Receive<WriteOut>(_ =>
        {
            _writeOutAsker = Sender;
            AnswerWriteOut();
        });
        Receive<SnapshotActor.SaveDone>(_ => { });
        Receive<GetStatus>(_ => Sender.Tell(new JournalStatus(
            string.Join("; ", new[] { _trouble, _readTrouble }.Where(static text => text.Length > 0)),
            _gate?.Refusal ?? "")));
    }

    protected override void PreStart()
    {
        if (_options.Persisted is { } persisted)
        {
            Timers.StartPeriodicTimer(
                nameof(AskAgain), new AskAgain(), TimeSpan.FromMilliseconds(persisted.AskIntervalMs));
        }
    }

    protected override void PostStop() => _turn?.End();

    private void BeginAt(Begin begin)
    {
        _store = Sender;
        _genesis = begin.Genesis;
        _at = begin.At;
        if (begin.Reading is { Outcome: JournalOutcome.Damaged or JournalOutcome.Missing } reading)
        {
            _readTrouble = $"the journal could not be read to its end at the start: {reading.Why}";
            _readTroubleUpTo = begin.At.Offset;
        }
        DropPending();
        Open(begin.Reading ?? JournalReading.None);
        if (_gate is not null)
        {
            NoteClusterSize(begin.ClusterSize);
            _gate.Begin(begin.At, begin.Recent);
        }
        _told = null;
        TellPersisted();
    }

    private void Open(JournalReading reading)
    {
        _turn?.End();
        ReleaseBusy();
        _isBusy = false;
        _turn = new JournalTurn(_options, reading, _at);
        Write();
    }

    private void Take(Append append)
    {
        _genesis = append.Genesis;
        _at = append.Records[^1].Point;
        NoteClusterSize(append.ClusterSize);
        _gate?.Applied(append.Records);
        if (_turn is null)
        {
            _store.Tell(new Taken(append.Bytes));
        }
        else
        {
            _pending.AddRange(append.Records);
            _pendingBytes += append.Bytes;
            Write();
        }
        TellPersisted();
    }

    // Also without records: it opens the writer, and removes segments.
    private void Write()
    {
        if (_turn is not { } turn || _isBusy)
        {
            return;
        }
        _isBusy = true;
        List<JournalRecord> records = _pending;
        (_pending, _busyBytes, _pendingBytes) = ([], _pendingBytes, 0);
        ulong clusterId = _genesis?.ClusterId ?? 0;
        bool syncs = _gate is not null;
        long? removeBelow = _removeBelow;
        _removeBelow = null;
        Task.Run(() => turn.Write(clusterId, records, syncs, removeBelow)).PipeTo(
            Self,
            success: () => new Wrote(turn, records.Count > 0),
            failure: cause => new WriteFailed(turn, cause));
    }

    private void EndWrite(Wrote wrote)
    {
        _isBusy = false;
        ReleaseBusy();
        if (_trouble.Length > 0 && wrote.IsNew)
        {
            _log.Info("{Node} writes a new journal from offset {Offset} on", _nodeId, wrote.By.Base.Offset);
            _trouble = "";
            _retryDelayMs = _options.RetryDelayMsMin;
            // Nothing leads into it until there is a snapshot.
            _snapshots.Tell(new SnapshotActor.SaveNow());
        }
        NoteOwnHead();
        if (_pending.Count > 0 || _removeBelow is not null)
        {
            Write();
        }
        AnswerWriteOut();
    }

    private void AnswerWriteOut()
    {
        if (!_isBusy && _writeOutAsker is { } asker)
        {
            Task ended = _turn?.End() ?? Task.CompletedTask;
            (_turn, _writeOutAsker) = (null, null);
            ended.PipeTo(asker, success: static () => new WrittenOut());
        }
    }

    private void GiveUp(Exception cause)
    {
        string why = cause.GetBaseException().Message;
        _log.Error("{Node} cannot write its journal and goes on without: {Cause}", _nodeId, why);
        _trouble = $"the journal cannot be written: {why}";
        _turn?.End();
        _turn = null;
        _isBusy = false;
        ReleaseBusy();
        DropPending();
        AnswerWriteOut();
        Timers.StartSingleTimer(
            nameof(BeginAnew), new BeginAnew(), TimeSpan.FromMilliseconds(_retryDelayMs));
        _retryDelayMs = Math.Min(_retryDelayMs * 2, _options.RetryDelayMsMax);
        TellPersisted();
    }

    private void OpenAnew()
    {
        if (_turn is null)
        {
            Open(JournalReading.None);
        }
    }

    private void NoteSnapshots(SnapshotsKept kept)
    {
        _snapshots = Sender;
        _newestSnapshot = kept.Newest;
        _removeBelow = kept.Older ?? _removeBelow;
        if (kept.Older >= _readTroubleUpTo)
        {
            // No snapshot leads through what could not be read.
            _readTrouble = "";
        }
        NoteOwnHead();
        if (_removeBelow is not null)
        {
            Write();
        }
    }

    /// <summary>
    /// This node's journal is on disk up to there. That counts only where a snapshot, or the log's start,
    /// leads into it.
    /// </summary>
    private void NoteOwnHead()
    {
        if (_gate is null || _turn is not { IsOpen: true } turn)
        {
            return;
        }
        if (turn.Base == JournalPoint.Start || turn.Base.Offset <= _newestSnapshot)
        {
            _gate.Heard(_nodeId, turn.Synced, answers: 0);
            _heads.Tell(new HeadsActor.Own(_genesis?.ClusterId ?? 0, turn.Synced));
            TellPersisted();
        }
    }

    private void AskHeads()
    {
        if (_gate is not null)
        {
            _gate.Ask(_random());
            _heads.Tell(new HeadsActor.Ask(_gate.Question));
            TellPersisted();
        }
    }

    private void AskAgainIfNeeded()
    {
        if (_gate is { NeedsWord: true, Question: not 0 })
        {
            _heads.Tell(new HeadsActor.Ask(_gate.Question));
        }
    }

    private void TellPersisted()
    {
        if (_gate is not null)
        {
            var now = new PublisherActor.Persisted(_gate.PersistedOffset, _gate.Refusal);
            if (now != _told)
            {
                _told = now;
                _store.Tell(now);
            }
        }
    }

    private void NoteClusterSize(int clusterSize)
    {
        if (_gate is not null && clusterSize > 0)
        {
            _gate.ClusterSize = clusterSize;
        }
    }

    private void ReleaseBusy()
    {
        if (_busyBytes > 0)
        {
            _store.Tell(new Taken(_busyBytes));
            _busyBytes = 0;
        }
    }

    private void DropPending()
    {
        if (_pendingBytes > 0)
        {
            _store.Tell(new Taken(_pendingBytes));
        }
        (_pending, _pendingBytes) = ([], 0);
    }
}
