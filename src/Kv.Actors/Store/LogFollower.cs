using Kv.Actors.Log;
using Kv.Actors.Publishing;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Store;

/// <summary>
/// The store actor's decisions: which records of the feed are applied, what the publisher is told, when the
/// node halts. No actor of its own, so that a simulation runs what a node runs.
/// </summary>
/// <param name="expectedClusterId">The cluster this node's data directory belongs to; 0: any.</param>
internal sealed class LogFollower(KeyValueStore store, ulong expectedClusterId, ILogFollowerPort port)
{
    // The feed asks for its resume point before it sends: what arrives earlier is from a feed of a former
    // life.
    private bool _feedKnowsResumePoint;
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

    /// <summary>Where the feed that asks has to begin, inclusive.</summary>
    internal long GiveResumePoint()
    {
        _feedKnowsResumePoint = true;
        _checksResumedEntry = store.AppliedOffset >= 0;
        return Math.Max(0, store.AppliedOffset);
    }

    /// <returns>True: the feed may send the next run.</returns>
    internal bool Deliver(IReadOnlyList<LogRecord> records)
    {
        if (!_feedKnowsResumePoint || IsHalted)
        {
            return false;
        }
        foreach (LogRecord record in records)
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
            // A run that was under way when the stream restarted comes again.
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
