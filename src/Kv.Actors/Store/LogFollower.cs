using Kv.Actors.Log;
using Kv.Actors.Nodes;
using Kv.Actors.Publishing;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Store;

/// <summary>
/// The decisions of <see cref="StoreActor"/>: which records of the log are applied, what the publisher is
/// told, when the node needs another snapshot, and when it halts. No actor, feed or file of its own, so that
/// a simulation runs what a node runs.
/// </summary>
/// <param name="expectedClusterId">The cluster this node's data directory belongs to; 0: any.</param>
/// <param name="rules">For a store that starts empty; null: those of this build.</param>
internal sealed class LogFollower(
    ulong expectedClusterId, ILogFollowerPort port, StoreRules? rules = null)
{
    // Names the feed's present connection; null before it asked. Runs that were read ahead over a former one
    // may still come behind it.
    private StoreActor.ResumePoint? _point;
    private bool _resumePointWanted;

    // A run was not acknowledged: its feed sends no other, connected anew or not.
    private bool _standsStill;
    private bool _checksResumedEntry;

    // Until it has caught up nothing was answered from its state, and a peer's snapshot may replace that.
    private bool _mayBeReplaced;

    // The first message read was not the log's first: whatever is read, nobody was founded by it.
    private bool _beganLate;
    private UInt128 _nonce;
    private long _producerId = LogEntry.NoProducer;

    public KeyValueStore Store { get; private set; } = new(rules);

    /// <summary>Why the node must not go on; empty: it may.</summary>
    public string HaltReason { get; private set; } = "";

    public bool IsHalted => HaltReason.Length > 0;

    /// <summary>What it needs before it applies anything: a snapshot; empty: nothing.</summary>
    public string Awaits { get; private set; } = "";

    /// <summary>
    /// The publisher's registration came by: the log's tail as of this node's start was applied.
    /// </summary>
    public bool HasCaughtUp => _producerId != LogEntry.NoProducer;

    /// <summary>From here on nothing is applied until <see cref="Begin"/>.</summary>
    public void Await(string what) => Awaits = what;

    /// <summary>
    /// What to go on from: at the start, and where the store's own state does not lead into the log.
    /// </summary>
    /// <param name="restored">
    /// Restored from a snapshot, and the receiver's from now on; null: what it has.
    /// </param>
    /// <param name="mayBeReplaced">
    /// When the log does not lead on from there, a peer's snapshot may take its place: false halts.
    /// </param>
    public void Begin(KeyValueStore? restored, bool mayBeReplaced)
    {
        _mayBeReplaced = mayBeReplaced;
        Awaits = "";
        if (restored is not null && !GoOnFrom(restored))
        {
            return;
        }
        if (_standsStill)
        {
            // Whoever asked for a resume point meanwhile still waits to be rid of the run that was refused.
            (_standsStill, _resumePointWanted, _point) = (false, false, null);
            port.StartFeedAnew();
        }
        else if (_resumePointWanted)
        {
            GiveResumePoint();
        }
    }

    /// <summary>
    /// Answered by <see cref="ILogFollowerPort.Resume"/> as soon as there is a state to go on from: where
    /// the feed has to begin. From then on no run of a former connection is taken.
    /// </summary>
    public void GiveResumePoint()
    {
        _resumePointWanted = Awaits.Length > 0;
        if (_resumePointWanted)
        {
            return;
        }
        _checksResumedEntry = Store.AppliedOffset >= 0;
        _point = new StoreActor.ResumePoint(
            Math.Max(0, Store.AppliedOffset), Store.Genesis?.ClusterId ?? 0, Store.Chain);
        port.Resume(_point);
    }

    /// <returns>True: the feed may send the next run.</returns>
    public bool Deliver(StoreActor.FeedRun run)
    {
        if (IsHalted || Awaits.Length > 0)
        {
            _standsStill = true;
            return false;
        }
        if (!ReferenceEquals(run.Point, _point))
        {
            // Behind the resume point it would look like a log that lost entries. It comes again.
            return true;
        }
        foreach (LogRecord record in run.Records)
        {
            if (!Take(record))
            {
                _standsStill = true;
                return false;
            }
        }
        port.TellPublisher(new PublisherActor.Applied(
            Store.AppliedOffset, Store.Chain, Store.Cluster.UncoveredBytes, Store.Cluster.Size));
        return true;
    }

    /// <summary>
    /// A reader beyond the end of a log waits in silence, as it does on a log that was made anew and is
    /// shorter: only where the next message stands tells the two apart.
    /// </summary>
    public void CheckTail(StoreActor.TailSeen seen)
    {
        if (seen.Offset <= seen.AppliedOffset)
        {
            Halt($"The log goes on at offset {seen.Offset}, but this node has applied it up to offset "
                + $"{seen.AppliedOffset}: it was rewritten or recreated.");
        }
    }

    /// <summary>There is no log where there was one.</summary>
    public void NoteLogMissing(string why)
    {
        if (Store.Genesis is not null || expectedClusterId != 0)
        {
            Halt($"The log is gone. {why}");
        }
    }

    /// <summary>The publisher registers under this nonce; a former registration counts no more.</summary>
    public void Attach(UInt128 nonce)
    {
        _nonce = nonce;
        _producerId = LogEntry.NoProducer;
        if (IsHalted)
        {
            port.TellPublisher(new PublisherActor.Halted(HaltReason));
        }
        else if (Store.Genesis is { } genesis)
        {
            port.TellPublisher(new PublisherActor.Founded(genesis.ClusterId));
        }
    }

    /// <summary>Nothing is served from here on, nothing thrown away. The first reason counts.</summary>
    /// <param name="whatToDo">One of <see cref="HaltText"/>.</param>
    public void Halt(string why, string whatToDo = HaltText.Recover)
    {
        if (IsHalted)
        {
            return;
        }
        HaltReason = HaltText.Of(why, whatToDo);
        port.TellPublisher(new PublisherActor.Halted(HaltReason));
        port.Halted(HaltReason);
    }

    /// <returns>False: nothing more is taken for now; the node halted or needs a snapshot.</returns>
    private bool Take(LogRecord record)
    {
        if (_checksResumedEntry && !ResumesWhereItWas(record))
        {
            return false;
        }
        if (record.Offset <= Store.AppliedOffset)
        {
            // The feed begins with the entry applied last.
            return true;
        }
        bool wasFounded = Store.Genesis is not null;
        _beganLate |= Store.AppliedOffset < 0 && record.Offset > 0;
        if (!wasFounded && _beganLate && IsGenesisToTake(record))
        {
            // Of two geneses the first counts, and the first is gone. Nobody may found another, either.
            port.TellPublisher(new PublisherActor.LogBeganLate());
            StopTaking(
                $"The log begins at offset {record.Offset} with a genesis that need not be its first: its "
                    + "start was truncated.",
                record.Offset,
                Store.AwaitedGenesis?.ClusterId ?? 0);
            return false;
        }
        AppliedEntry applied = Store.Apply(record.Offset, record.Entry, _producerId);
        if (applied.Fate == EntryFate.Halt)
        {
            bool isGone = TellIfStartIsGone(applied);
            StopTaking(applied.Why, isGone ? record.Offset : null, applied.Entry?.ClusterId ?? 0);
            return false;
        }
        if (!wasFounded && Store.Genesis is { } genesis && !AcceptCluster(genesis))
        {
            return false;
        }
        port.Applied(record, applied);
        TellPublisher(record.Offset, applied);
        return true;
    }

    // A store with a base refuses any other genesis than its own, wherever that stands.
    private bool IsGenesisToTake(LogRecord record) =>
        EntryCodec.Read(record.Entry) is EntryReading.Entry
        {
            Value.Commands: [{ Command: Command.Found found }]
        }
        && (Store.AwaitedGenesis is not { } awaited || found.Genesis == awaited);

    private bool ResumesWhereItWas(LogRecord record)
    {
        if (record.Offset < Store.AppliedOffset)
        {
            return true;
        }
        _checksResumedEntry = false;
        if (record.Offset == Store.AppliedOffset && Digest.Of(record.Entry.Span) == Store.AppliedHash)
        {
            return true;
        }
        bool isGone = record.Offset > Store.AppliedOffset;
        StopTaking(
            $"The log no longer has the entry that was applied at offset {Store.AppliedOffset}: it was "
                + "rewritten, recreated or truncated.",
            isGone ? record.Offset : null,
            Store.Genesis?.ClusterId ?? 0);
        return false;
    }

    private bool AcceptCluster(Genesis genesis)
    {
        if (expectedClusterId != 0 && genesis.ClusterId != expectedClusterId)
        {
            Halt($"The log belongs to cluster {genesis.ClusterId:x16}; this node's data directory belongs to "
                + $"{expectedClusterId:x16}.",
                HaltText.CheckNames);
            return false;
        }
        port.ClusterKnown(genesis.ClusterId);
        port.TellPublisher(new PublisherActor.Founded(genesis.ClusterId));
        return true;
    }

    /// <returns>False: the node halted.</returns>
    private bool GoOnFrom(KeyValueStore restored)
    {
        if (Store.Genesis is not null && !restored.Agrees(Store.AppliedOffset, Store.Chain))
        {
            Halt($"A peer's snapshot has another history up to offset {Store.AppliedOffset} than this "
                + "node has.");
            return false;
        }
        Store = restored;
        return restored.Genesis is not { } genesis || AcceptCluster(genesis);
    }

    // Entries of ours without a genesis before them, or with one that goes on from a base that is not here:
    // there is a cluster, and nobody may found another.
    private bool TellIfStartIsGone(AppliedEntry applied)
    {
        bool isGone = Store.Genesis is null && applied.Entry is { Commands: var commands, ClusterId: var id }
            && (commands is not [{ Command: Command.Found found }] || Store.Lacks(found.Genesis))
            && (Store.AwaitedGenesis is not { } awaited || awaited.ClusterId == id);
        if (isGone)
        {
            port.TellPublisher(new PublisherActor.Founded(applied.Entry!.ClusterId));
        }
        return isGone;
    }

    /// <param name="firstRetained">
    /// Where the log begins, if all that is wrong is that it begins too late; else null.
    /// </param>
    /// <param name="clusterId">The cluster whose log it is; 0: not known.</param>
    private void StopTaking(string why, long? firstRetained, ulong clusterId)
    {
        if (!_mayBeReplaced || firstRetained is not { } offset)
        {
            // Before its genesis there is nothing that the log could have lost.
            Halt(why, Store switch
            {
                { Genesis: not null } => HaltText.Recover,
                { AwaitedGenesis: not null } => HaltText.CheckNames,
                _ => firstRetained is null ? HaltText.Recover : HaltText.NeedsState,
            });
            return;
        }
        Awaits = $"{why} The node looks for a peer's snapshot.";
        port.NeedsSnapshot(offset, expectedClusterId != 0 ? expectedClusterId : clusterId, why);
    }

    private void TellPublisher(long offset, AppliedEntry applied)
    {
        if (applied.Entry is not { } entry)
        {
            return;
        }
        if (entry.Commands is [{ Command: Command.Register register }]
            && register.Nonce == _nonce
            && applied.Fate == EntryFate.Applied
            && !HasCaughtUp)
        {
            _producerId = offset;
            _mayBeReplaced = false;
            port.TellPublisher(
                new PublisherActor.Registered(_nonce, offset, Store.AppliedOffset, Store.Chain));
        }
        else if (HasCaughtUp && entry.ProducerId == _producerId)
        {
            port.TellPublisher(new PublisherActor.ReadBack(
                entry.ProducerId, entry.Sequence, offset, applied.Hash, applied.Fate, applied.Replies));
        }
    }
}

/// <summary>
/// What <see cref="LogFollower"/> has others do: an actor in a node, virtual time in a simulation.
/// </summary>
internal interface ILogFollowerPort
{
    /// <summary>The answer to <see cref="LogFollower.GiveResumePoint"/>.</summary>
    void Resume(StoreActor.ResumePoint point);

    /// <summary>The genesis was applied, and nothing behind it yet.</summary>
    void ClusterKnown(ulong clusterId);

    /// <summary>A message of the log was taken, whatever became of it.</summary>
    void Applied(LogRecord record, AppliedEntry applied);

    void Halted(string why);

    /// <summary>
    /// Nothing the store has leads into the log. <see cref="LogFollower.Begin"/> goes on.
    /// </summary>
    /// <param name="offsetMin">Where the log begins: an older snapshot is of no use.</param>
    /// <param name="clusterId">The cluster the snapshot has to be of; 0: any.</param>
    void NeedsSnapshot(long offsetMin, ulong clusterId, string why);

    /// <summary>The feed's present connection leads nowhere: it asks for a resume point again.</summary>
    void StartFeedAnew();

    /// <param name="word">One of <see cref="PublisherActor"/>'s messages "from the store".</param>
    void TellPublisher(object word);
}
