using System.Diagnostics.CodeAnalysis;
using Akka.Actor;
using Akka.Event;
using Kv.Actors.Journal;
using Kv.Actors.Proposals;
using Kv.Actors.Store;
using Kv.Core.Snapshots;
using Kv.Core.Store;
using Kv.Files;

namespace Kv.Actors.Snapshots;

/// <summary>
/// Gives the store the snapshot it starts from, and writes a new one each time enough of the log was
/// applied, one at a time, off the actors' threads. A write that fails is an alarm and is tried again; the
/// node goes on.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "An actor's end is PostStop, which disposes.")]
public sealed class SnapshotActor : ReceiveActor, IWithTimers
{
    /// <summary>
    /// From the store: nothing it has leads into the log, which begins at this offset. It waits for
    /// <see cref="StoreActor.Start"/>.
    /// </summary>
    /// <param name="ClusterId">The cluster it belongs to; 0: not known.</param>
    public sealed record Fetch(long OffsetMin, ulong ClusterId);

    /// <summary>From the store: it halted. What it has is written at once and never rotated away.</summary>
    public sealed record Pin;

    /// <summary>
    /// The node stops: write what is new. Answered with <see cref="SaveDone"/>, also on failure.
    /// </summary>
    public sealed record SaveNow;

    public sealed record SaveDone;

    /// <summary>Answered with <see cref="SnapshotStatus"/>.</summary>
    public sealed record GetStatus;

    /// <param name="Trouble">What does not work, for a person; empty when all does.</param>
    public sealed record SnapshotStatus(string Trouble);

    /// <summary>To the parent: this build must not run on what the node has.</summary>
    public sealed record Unusable(string Why);

    // Word of a former life of this actor is told apart by Life.
    private sealed record Loaded(object Life, StoreLoad Load);

    private sealed record Saved(object Life, SnapshotFile File, long LogBytes);

    private sealed record SaveFailed(object Life, Exception Cause);

    private sealed record SaveAgain;

    private sealed record Fetched(object Life, KeyValueStore Store, SnapshotFile File, Uri Peer);

    private sealed record FetchFailed(object Life, Fetch Fetch, Exception Cause);

    private readonly string _nodeId;
    private readonly IActorRef _store;
    private readonly SnapshotOptions _options;
    private readonly NodeJournal? _journal;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly object _life = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<IActorRef> _doneAskers = [];

    // At most one capture is written and one more waits: the newest.
    private bool _saving;
    private StoreCapture? _next;
    private bool _pinned;
    private SnapshotFile? _savedLast;
    private string _saveTrouble = "";
    private string _fetchTrouble = "";
    private int _retryDelayMs;

    public ITimerScheduler Timers { get; set; } = null!;

    /// <param name="journal">What leads on from the newest snapshot; null: nothing does.</param>
    public static Props Props(
        string nodeId, IActorRef store, SnapshotOptions options, NodeJournal? journal = null) =>
        Akka.Actor.Props.Create(() => new SnapshotActor(nodeId, store, options, journal));

    public SnapshotActor(string nodeId, IActorRef store, SnapshotOptions options, NodeJournal? journal)
    {
        _journal = journal;
        _nodeId = nodeId;
        _store = store;
        _options = options;
        _retryDelayMs = options.RetryDelayMsMin;
        Receive<Loaded>(loaded => loaded.Life == _life, loaded => Begin(loaded.Load));
        Receive<StoreActor.Captured>(captured => Take(captured.Capture));
        Receive<StoreActor.NothingToCapture>(_ => AnswerDone());
        Receive<Saved>(saved => saved.Life == _life, EndSave);
        Receive<SaveFailed>(failed => failed.Life == _life, failed => RetrySave(failed.Cause));
        Receive<SaveAgain>(_ => _store.Tell(new StoreActor.CaptureNow()));
        Receive<Pin>(_ => PinNow());
        Receive<SaveNow>(_ => SaveAtStop());
        Receive<Fetch>(StartFetch);
        Receive<Fetched>(fetched => fetched.Life == _life, EndFetch);
        Receive<FetchFailed>(failed => failed.Life == _life, RetryFetch);
        Receive<GetStatus>(_ => Sender.Tell(new SnapshotStatus(
            string.Join("; ", new[] { _saveTrouble, _fetchTrouble }.Where(static text => text.Length > 0)))));
    }

    protected override void PreStart()
    {
        object life = _life;
        SnapshotFiles files = _options.Files;
        CancellationToken stopping = _stopping.Token;
        JournalOptions? journal = _journal?.Options;
        bool saves = _options.Saves;
        EarlyLoad? early = _options.Early;
        Task.Run(
            () =>
            {
                if (saves)
                {
                    files.RemoveDrafts();
                }
                return early?.Take() ?? StoreLoader.LoadAsync(files, journal, stopping);
            },
            stopping).PipeTo(
                Self,
                success: load => new Loaded(life, load),
                failure: cause => new Loaded(
                    life, new StoreLoad(null, null, JournalReading.None, [cause.Message])));
    }

    protected override void PostStop()
    {
        _stopping.Cancel();
        _stopping.Dispose();
        AnswerDone();
    }

    private void Begin(StoreLoad load)
    {
        foreach (string warning in load.Warnings)
        {
            _log.Warning("{Node} cannot use all it has on disk. {Warning}", _nodeId, warning);
        }
        if (load.File is { } file)
        {
            _log.Info("{Node} starts from the snapshot {File}", _nodeId, file.Path);
        }
        if (load.Refusal is { } refusal)
        {
            // The store waits for good.
            _log.Error("{Node} must not run: {Why}", _nodeId, refusal);
            Context.Parent.Tell(new Unusable(refusal));
            return;
        }
        if (load.Journal.Records > 0)
        {
            _log.Info(
                "{Node} applied {Records} entries of its journal, up to offset {Offset}",
                _nodeId, load.Journal.Records, load.Journal.End.Offset);
        }
        _savedLast = load.File;
        TellJournal();
        if (load is { File: { } loaded, Store: { } restored })
        {
            TellKept(loaded, restored.Cluster.LogBytes);
        }
        // What a halted node had is for an operator to judge: no peer's state takes its place by itself.
        bool mayBeReplaced = _options.Peers is not null && load.File is not { IsPinned: true };
        _store.Tell(new StoreActor.Start(load.Store, mayBeReplaced, load.Journal));
        AwaitNext();
    }

    private void AwaitNext()
    {
        if (_options.Saves && !_pinned)
        {
            long bytes = Math.Max(_options.LogBytes, (_savedLast?.BytesLength ?? 0) / 2);
            _store.Tell(new StoreActor.CaptureAfter(Math.Min(bytes, _options.LogBytesMax)));
        }
    }

    private void Take(StoreCapture capture)
    {
        if (_saving)
        {
            _next = capture;
            return;
        }
        if (_savedLast?.Offset == capture.Header.AppliedOffset && _savedLast.IsPinned == _pinned)
        {
            AnswerDone();
            return;
        }
        _saving = true;
        object life = _life;
        bool pinned = _pinned;
        long logBytes = capture.LogBytes;
        SnapshotFiles files = _options.Files;
        CancellationToken stopping = _stopping.Token;
        Task.Run(() => files.SaveAsync(capture, pinned, stopping), stopping).PipeTo(
            Self,
            success: file => new Saved(life, file, logBytes),
            failure: cause => new SaveFailed(life, cause));
    }

    private void EndSave(Saved saved)
    {
        SnapshotFile file = saved.File;
        _saving = false;
        _savedLast = file;
        TellKept(file, saved.LogBytes);
        _saveTrouble = "";
        _retryDelayMs = _options.RetryDelayMsMin;
        Timers.Cancel(nameof(SaveAgain));
        _log.Info("{Node} wrote the snapshot {File}", _nodeId, file.Path);
        TellJournal();
        if (_options.Files.OlderKeptOffset() is { } older)
        {
            ReleaseLog(older);
        }
        if (_next is { } next)
        {
            _next = null;
            Take(next);
            return;
        }
        AnswerDone();
        AwaitNext();
    }

    private void TellJournal() => _journal?.Actor.Tell(
        new JournalActor.SnapshotsKept(_savedLast?.Offset ?? -1, _options.Files.OlderKeptOffset()));

    // Not what a node of the same process writes, not the base of a log, and not from a halted node, whose
    // word does not count.
    private void TellKept(SnapshotFile file, long logBytes)
    {
        if (_options.Saves && !_pinned && file.Offset >= 0)
        {
            Context.Parent.Tell(new ProposalActor.SnapshotKept(file.Offset, logBytes));
        }
    }

    private void ReleaseLog(long before)
    {
        string node = _nodeId;
        ILoggingAdapter log = _log;
        _options.OnKept(before).ContinueWith(
            ended => log.Warning(
                "{Node} could not truncate the log: {Cause}",
                node,
                ended.Exception!.GetBaseException().Message),
            CancellationToken.None,
            TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    private void RetrySave(Exception cause)
    {
        _saving = false;
        _next = null;
        _saveTrouble = $"the snapshot cannot be written: {cause.GetBaseException().Message}";
        _log.Error("{Node} cannot write its snapshot: {Cause}", _nodeId, cause.GetBaseException().Message);
        AnswerDone();
        // A new capture then: this one keeps old nodes of the index in memory.
        Timers.StartSingleTimer(nameof(SaveAgain), new SaveAgain(), NextDelay());
    }

    private void PinNow()
    {
        if (_options.Saves)
        {
            _pinned = true;
            _store.Tell(new StoreActor.CaptureNow());
        }
    }

    private void SaveAtStop()
    {
        _doneAskers.Add(Sender);
        if (_options.Saves)
        {
            _store.Tell(new StoreActor.CaptureNow());
        }
        else
        {
            AnswerDone();
        }
    }

    private void AnswerDone()
    {
        _doneAskers.ForEach(static asker => asker.Tell(new SaveDone()));
        _doneAskers.Clear();
    }

    private void StartFetch(Fetch fetch)
    {
        object life = _life;
        SnapshotFiles files = _options.Files;
        PeerSnapshots peers = _options.Peers!;
        CancellationToken stopping = _stopping.Token;
        Task.Run(() => FetchAsync(peers, files, fetch, stopping), stopping).PipeTo(
            Self,
            success: found => new Fetched(life, found.Store, found.File, found.Peer),
            failure: cause => new FetchFailed(life, fetch, cause));
    }

    /// <summary>Asks one peer after the other.</summary>
    /// <exception cref="IOException">None had a snapshot that is of use; the message says why.</exception>
    private static async Task<(KeyValueStore Store, SnapshotFile File, Uri Peer)> FetchAsync(
        PeerSnapshots peers, SnapshotFiles files, Fetch fetch, CancellationToken stopping)
    {
        List<string> troubles = [];
        foreach (Uri peer in peers.Directory.Peers)
        {
            try
            {
                (SnapshotFile file, KeyValueStore store) = await files.ReceiveAsync(
                    peers.Export(peer, fetch.ClusterId, fetch.OffsetMin, stopping),
                    header => Objection(header, fetch),
                    stopping);
                return (store, file, peer);
            }
            catch (Exception trouble) when (!stopping.IsCancellationRequested)
            {
                troubles.Add($"{peer}: {trouble.Message}");
            }
        }
        throw new IOException(troubles.Count == 0 ? "no peer is known" : string.Join("; ", troubles));
    }

    private static string? Objection(SnapshotHeader header, Fetch fetch)
    {
        if (fetch.ClusterId != 0 && header.Genesis.ClusterId != fetch.ClusterId)
        {
            return $"Its snapshot is of cluster {header.Genesis.ClusterId:x16}, not {fetch.ClusterId:x16}.";
        }
        return header.AppliedOffset < fetch.OffsetMin
            ? $"Its snapshot is at offset {header.AppliedOffset}; the log begins at {fetch.OffsetMin}."
            : null;
    }

    private void EndFetch(Fetched fetched)
    {
        _fetchTrouble = "";
        _retryDelayMs = _options.RetryDelayMsMin;
        _savedLast = fetched.File;
        TellJournal();
        TellKept(fetched.File, fetched.Store.Cluster.LogBytes);
        _log.Info(
            "{Node} starts from a snapshot of {Peer} at offset {Offset}",
            _nodeId, fetched.Peer, fetched.File.Offset);
        _store.Tell(new StoreActor.Start(fetched.Store, MayBeReplaced: true));
        AwaitNext();
    }

    private void RetryFetch(FetchFailed failed)
    {
        _fetchTrouble = $"no peer gives a snapshot: {failed.Cause.GetBaseException().Message}";
        _log.Warning(
            "{Node} needs a peer's snapshot and gets none: {Cause}",
            _nodeId, failed.Cause.GetBaseException().Message);
        Timers.StartSingleTimer(nameof(Fetch), failed.Fetch, NextDelay());
    }

    private TimeSpan NextDelay()
    {
        int delayMs = _retryDelayMs;
        _retryDelayMs = Math.Min(_retryDelayMs * 2, _options.RetryDelayMsMax);
        return TimeSpan.FromMilliseconds(delayMs);
    }
}
