using Kv.Actors.Log;
using Kv.Actors.Store;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Tests.Simulation;

/// <summary>Looks over one node's shoulder: after every entry it must be what the log says.</summary>
internal sealed class NodeWitness(SimWorld world, SimNode node)
{
    // What the node has applied; needed only where the log may be rewritten.
    private Dictionary<long, (Digest Chain, Digest Hash)> _applied = [];
    private long? _evidenceAt;
    private long _revision;
    private long _order;

    /// <summary>The feed's present connection.</summary>
    internal StoreActor.ResumePoint? Point { get; private set; }

    /// <summary>After a rewrite: what stands at its resume offset now was not delivered yet.</summary>
    internal bool IsResuming { get; private set; }

    /// <summary>
    /// After a rewrite the very same message stood at the node's resume offset, on another history: nobody
    /// who compares that message alone can notice.
    /// </summary>
    internal bool WasFooled { get; private set; }

    private KeyValueStore Store => node.Follower.Store;

    internal IReadOnlyDictionary<long, (Digest Chain, Digest Hash)> CopySeen() =>
        new Dictionary<long, (Digest Chain, Digest Hash)>(_applied);

    internal void GoOnFrom(SimDisk.Snapshot snapshot) =>
        _applied = new Dictionary<long, (Digest Chain, Digest Hash)>(snapshot.Seen);

    internal void Resume(StoreActor.ResumePoint point)
    {
        Point = point;
        IsResuming = world.Plan.RewritesLog && Store.AppliedOffset >= 0;
    }

    /// <summary>Would a careful reader of this run see that the log was rewritten under the node?</summary>
    internal void BeforeRun(StoreActor.FeedRun run)
    {
        _evidenceAt = null;
        if (!world.Plan.RewritesLog || !ReferenceEquals(run.Point, Point) || node.Follower.IsHalted)
        {
            return;
        }
        long applied = Store.AppliedOffset;
        Digest chain = Store.Chain;
        Dictionary<long, Digest> ofRun = [];
        foreach (LogRecord record in run.Records)
        {
            Digest hash = Digest.Of(record.Entry.Span);
            if (IsResuming && record.Offset >= applied)
            {
                IsResuming = false;
                if (record.Offset != applied || _applied[applied].Hash != hash)
                {
                    _evidenceAt = record.Offset;
                    return;
                }
                WasFooled |= world.Oracle.Find(applied)?.Chain != Store.Chain;
            }
            if (record.Offset <= applied)
            {
                continue;
            }
            if (ContradictsBasis(record, ofRun))
            {
                _evidenceAt = record.Offset;
                return;
            }
            applied = record.Offset;
            chain = chain.Chain(applied, hash);
            ofRun.Add(applied, chain);
        }
    }

    internal void Applied(long offset, AppliedEntry applied)
    {
        world.FatesMet.Add(applied.Fate);
        if (world.Plan.RewritesLog)
        {
            _applied[offset] = (Store.Chain, applied.Hash);
            return;
        }
        if (Store.Genesis is null)
        {
            // Strays, maybe of a log whose start is gone: there is no state to compare yet.
            return;
        }
        LogOracle.Moment expected = world.Oracle.Find(offset)
            ?? throw new SimulationFailure($"{node.Id} applied offset {offset}, which is not in the log.");
        Expect("chain", world.Broken.ComparesChains ? expected.Chain : Store.Chain, Store.Chain, offset);
        Expect("revision", expected.Revision, Store.Revision, offset);
        Expect("order", expected.Order, Store.Order, offset);
        Expect("strays", expected.Strays, Store.Strays, offset);
        Expect("producers", expected.Producers, Store.Producers.Count, offset);
        Expect("request ids", expected.Requests, Store.Requests.Count, offset);
    }

    internal void AfterRun()
    {
        if (_evidenceAt is { } evidence && (!node.Follower.IsHalted || Store.AppliedOffset > evidence))
        {
            throw new SimulationFailure(
                $"{node.Id} goes on although the record at offset {evidence} shows a rewritten log.");
        }
        if (world.Plan.RewritesLog || Store.Genesis is null)
        {
            return;
        }
        if (Store.Revision < _revision || Store.Order < _order)
        {
            throw new SimulationFailure($"{node.Id} went back from revision {_revision}, order {_order}.");
        }
        bool isSame = _revision == Store.Revision;
        (_revision, _order) = (Store.Revision, Store.Order);
        LogOracle.Moment expected = world.Oracle.Find(Store.AppliedOffset)!;
        // Making the text is what costs most here.
        if (!isSame)
        {
            Expect("state", expected.State, StateText.Of(Store.View()), Store.AppliedOffset);
        }
        if (Store.Genesis is { } genesis
            && (Store.Producers.Count > genesis.ProducersMax || Store.Requests.Count > genesis.RequestIdsMax))
        {
            throw new SimulationFailure($"A table of {node.Id} is larger than its bound.");
        }
    }

    internal void CheckWindow()
    {
        if (node.Window.Count > world.Plan.Publisher.EntriesInFlightMax)
        {
            throw new SimulationFailure($"{node.Id} has {node.Window.Count} entries in flight.");
        }
    }

    internal void Halted(string why)
    {
        world.Transcript.Add($"{node.Id}        halts: {why}");
        if (!world.Plan.RewritesLog)
        {
            throw new SimulationFailure($"{node.Id} halted though nothing is wrong with the log: {why}");
        }
    }

    private bool ContradictsBasis(LogRecord record, Dictionary<long, Digest> ofRun)
    {
        if (EntryCodec.Read(record.Entry) is not EntryReading.Entry { Value: var entry }
            || entry.ClusterId != Store.Genesis?.ClusterId
            || entry.BasisOffset < 0)
        {
            return false;
        }
        if (!ofRun.TryGetValue(entry.BasisOffset, out Digest own))
        {
            own = _applied.GetValueOrDefault(entry.BasisOffset).Chain;
        }
        return entry.BasisOffset >= record.Offset || own != entry.BasisChain;
    }

    private void Expect<T>(string what, T expected, T actual, long offset)
    {
        if (!EqualityComparer<T>.Default.Equals(expected, actual))
        {
            throw new SimulationFailure(
                $"At offset {offset} {node.Id} has {what} {actual}; the log makes it {expected}.");
        }
    }
}
