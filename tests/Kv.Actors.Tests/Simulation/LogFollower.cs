using Kv.Actors.Log;
using Kv.Actors.Publishing;
using Kv.Actors.Store;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Tests.Simulation;

/// <summary>
/// What <see cref="StoreActor"/> decides once it follows the log, without Akka and without snapshots: which
/// records of the feed are applied, what the publisher is told, when the node halts. The store, the window
/// and the publisher's decisions that a simulation runs are the real ones; this part is written twice.
/// </summary>
/// <param name="expectedClusterId">The cluster this node's data directory belongs to; 0: any.</param>
internal sealed class LogFollower(KeyValueStore store, ulong expectedClusterId, ILogFollowerPort port)
{
    // Names the feed's present connection. Runs that were read over a former one may still come behind it.
    private StoreActor.ResumePoint? _point;
    private bool _checksResumedEntry;
    private UInt128 _nonce;
    private long _producerId = LogEntry.NoProducer;

    internal KeyValueStore Store => store;

    /// <summary>Why the node must not go on; empty: it may.</summary>
    internal string HaltReason { get; private set; } = "";

    internal bool IsHalted => HaltReason.Length > 0;

    /// <summary>
    /// The publisher's registration came by: the log's tail as of this node's start was applied.
    /// </summary>
    internal bool HasCaughtUp => _producerId != LogEntry.NoProducer;

    /// <summary>Where the feed that asks has to begin. From here on no other run is taken.</summary>
    internal StoreActor.ResumePoint GiveResumePoint()
    {
        _checksResumedEntry = store.AppliedOffset >= 0;
        _point = new StoreActor.ResumePoint(
            Math.Max(0, store.AppliedOffset), store.Genesis?.ClusterId ?? 0, store.Chain);
        return _point;
    }

    /// <returns>True: the feed may send the next run.</returns>
    internal bool Deliver(StoreActor.FeedRun run)
    {
        if (IsHalted)
        {
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
                return false;
            }
        }
        port.TellPublisher(new PublisherActor.Applied(store.AppliedOffset, store.Chain));
        return true;
    }

    /// <summary>The publisher registers under this nonce; a former registration counts no more.</summary>
    internal void Attach(UInt128 nonce)
    {
        _nonce = nonce;
        _producerId = LogEntry.NoProducer;
        if (IsHalted)
        {
            port.TellPublisher(new PublisherActor.Halted(HaltReason));
        }
        else if (store.Genesis is { } genesis)
        {
            port.TellPublisher(new PublisherActor.Founded(genesis.ClusterId));
        }
    }

    /// <returns>False: the node halted.</returns>
    private bool Take(LogRecord record)
    {
        if (_checksResumedEntry && !ResumesWhereItWas(record))
        {
            return false;
        }
        if (record.Offset <= store.AppliedOffset)
        {
            // The feed begins with the entry applied last.
            return true;
        }
        bool wasFounded = store.Genesis is not null;
        AppliedEntry applied = store.Apply(record.Offset, record.Entry, _producerId);
        if (applied.Fate == EntryFate.Halt)
        {
            Halt(applied.Why);
            return false;
        }
        if (!wasFounded && store.Genesis is { } genesis && !AcceptCluster(genesis))
        {
            return false;
        }
        port.Applied(record.Offset, applied);
        TellPublisher(record.Offset, applied);
        return true;
    }

    private bool ResumesWhereItWas(LogRecord record)
    {
        if (record.Offset < store.AppliedOffset)
        {
            return true;
        }
        _checksResumedEntry = false;
        if (record.Offset == store.AppliedOffset && Digest.Of(record.Entry.Span) == store.AppliedHash)
        {
            return true;
        }
        Halt($"The log no longer has the entry that was applied at offset {store.AppliedOffset}: it was "
            + "rewritten, recreated or truncated.");
        return false;
    }

    private bool AcceptCluster(Genesis genesis)
    {
        if (expectedClusterId != 0 && genesis.ClusterId != expectedClusterId)
        {
            Halt($"The log belongs to cluster {genesis.ClusterId:x16}; this node's data directory belongs to "
                + $"{expectedClusterId:x16}.");
            return false;
        }
        port.ClusterKnown(genesis.ClusterId);
        port.TellPublisher(new PublisherActor.Founded(genesis.ClusterId));
        return true;
    }

    private void Halt(string why)
    {
        HaltReason = why;
        port.Halted(why);
        port.TellPublisher(new PublisherActor.Halted(why));
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
            port.TellPublisher(
                new PublisherActor.Registered(_nonce, offset, store.AppliedOffset, store.Chain));
        }
        else if (HasCaughtUp && entry.ProducerId == _producerId)
        {
            port.TellPublisher(new PublisherActor.ReadBack(
                entry.ProducerId, entry.Sequence, applied.Hash, applied.Fate, applied.Replies));
        }
    }
}

/// <summary>What <see cref="LogFollower"/> has others do.</summary>
internal interface ILogFollowerPort
{
    /// <summary>The genesis was applied, and nothing behind it yet.</summary>
    void ClusterKnown(ulong clusterId);

    /// <summary>A message of the log was taken, whatever became of it.</summary>
    void Applied(long offset, AppliedEntry applied);

    void Halted(string why);

    /// <param name="word">One of <see cref="PublisherActor"/>'s messages "from the store".</param>
    void TellPublisher(object word);
}
