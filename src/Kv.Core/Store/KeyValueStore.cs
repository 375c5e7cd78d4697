using Kv.Core.Auth;
using Kv.Core.Entries;
using Kv.Core.Snapshots;

namespace Kv.Core.Store;

/// <summary>
/// The replicated state machine: entries in, replies out. The same entries make the same state, replies and
/// digest on every node. One owner calls it; views may be read by anybody.
/// </summary>
public sealed partial class KeyValueStore
{
    private readonly KeySpace _keys;
    private readonly StoreRules _rules;
    private readonly ChainHistory _history = new(KvLimits.ChainDigestsMax);
    private ProducerTable _producers = new(KvLimits.ProducersMax);
    private RequestTable _requests = new(KvLimits.RequestIdsMax);

    /// <param name="rules">Null: those of this build.</param>
    public KeyValueStore(StoreRules? rules = null)
    {
        _rules = rules ?? StoreRules.OfThisBuild;
        _keys = new KeySpace();
    }

    private KeyValueStore(SnapshotContents contents, StoreRules rules)
    {
        _rules = rules;
        SnapshotHeader header = contents.Header!;
        Genesis = header.IsBase ? null : header.Genesis;
        AwaitedGenesis = header.IsBase ? header.Genesis : null;
        AppliedOffset = header.AppliedOffset;
        AppliedHash = header.AppliedHash;
        Chain = header.Chain;
        Order = header.Order;
        Strays = header.Strays;
        _keys = new KeySpace(contents);
        _producers = new ProducerTable(header.Genesis.ProducersMax);
        _requests = new RequestTable(header.Genesis.RequestIdsMax);
        Cluster.Found(header.Genesis);
        Cluster.Restore(contents.Cluster);
        contents.Producers.ForEach(_producers.Restore);
        _requests.Restore(header.RequestFloor, contents.Requests);
        RestoreLeases(contents);
        Auth = AuthTable.Restore(contents.Auth);
        contents.Alarms.ForEach(alarm => _alarms.Add(alarm));
        // A snapshot tells the contents of its own offset only, by having them.
        contents.ChainHistory.ForEach(link => _history.Add(
            link.Offset, link.Chain, link.Offset == AppliedOffset ? Contents : Digest.Zero));
    }

    /// <summary>What the cluster was founded on; null before its genesis was applied.</summary>
    public Genesis? Genesis { get; private set; }

    /// <summary>Offset of the last message taken from the log; -1: none.</summary>
    public long AppliedOffset { get; private set; } = -1;

    /// <summary>
    /// Hash of the message at <see cref="AppliedOffset"/>, to recognise it after a reconnect.
    /// </summary>
    public Digest AppliedHash { get; private set; }

    /// <summary>Running hash over every (offset, message): equal on all nodes at equal offsets.</summary>
    public Digest Chain { get; private set; }

    /// <summary>
    /// Digest of all keys with their records, of the tables beside them, revision and order: equal on all
    /// nodes at equal offsets, or one of them has applied the log wrongly.
    /// </summary>
    public Digest Contents => _keys.Contents(Order, _leases.Sum + AlarmsHash() + Auth.Sum);

    /// <summary>
    /// Grows by one with each mutation; also where the request table's floor has reached it, which takes a
    /// table full of commands that changed nothing. An empty store has revision 1, as in etcd.
    /// </summary>
    public long Revision => _keys.Revision;

    /// <summary>Counts commands of the simple API, reads included, and mutations.</summary>
    public long Order { get; private set; }

    /// <summary>Messages in the log that were not ours.</summary>
    public long Strays { get; private set; }

    public int Count => _keys.Count;

    public ProducerTable Producers => _producers;

    public RequestTable Requests => _requests;

    /// <summary>The value now; null: no such key.</summary>
    public ReadOnlyMemory<byte>? Get(ReadOnlySpan<byte> key) =>
        _keys.Find(key) is { } record ? record.Value : default(ReadOnlyMemory<byte>?);

    /// <summary>All keys now, in constant time.</summary>
    public StoreView View() => new(_keys.Live.Snapshot());

    /// <summary>
    /// The whole store now: constant time for the keys, a copy of the small tables (bounded, a few ms when
    /// full).
    /// </summary>
    /// <exception cref="InvalidOperationException">Nothing was founded: there is no store yet.</exception>
    public StoreCapture Capture() => Capture(
        new SnapshotHeader(
            Genesis ?? throw new InvalidOperationException("A store without a genesis has no snapshot."),
            AppliedOffset,
            AppliedHash,
            Chain,
            Revision,
            CompactedRevision,
            Order,
            Strays,
            _requests.Floor),
        [.. _producers.All.OrderBy(static producer => producer.Id)],
        Cluster.Capture(),
        _history.ToArray());

    /// <summary>
    /// False when another history than this store's leads to that chain digest; true when it is ours or too
    /// old to tell.
    /// </summary>
    public bool Agrees(long offset, Digest chain) => _history.Agrees(offset, chain);

    /// <summary>What another node has at an offset, against what this store had there.</summary>
    /// <param name="contents">Its <see cref="Contents"/>; zero: not known.</param>
    public HistoryVerdict Compare(long offset, Digest chain, Digest contents) =>
        offset > AppliedOffset ? HistoryVerdict.Ahead : _history.Compare(offset, chain, contents);

    /// <summary>Offsets and chain digests of the last messages, oldest first; a copy.</summary>
    public IReadOnlyList<(long Offset, Digest Chain)> RecentHistory() =>
        [.. _history.ToArray().Select(static link => (link.Offset, link.Chain))];

    /// <summary>Takes the log's next message.</summary>
    /// <param name="offset">Its place: above <see cref="AppliedOffset"/>.</param>
    /// <param name="message">Its bytes; may change after the call.</param>
    /// <param name="answering">
    /// Producer id whose replies are wanted with values and views, as on the node that has to answer;
    /// others get replies without.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// The offset is not above the last one: the caller's mistake.
    /// </exception>
    public AppliedEntry Apply(long offset, ReadOnlyMemory<byte> message, long answering = LogEntry.NoProducer)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(offset, AppliedOffset);
        // Before, not behind: what the last entry wrote and compacted had to be there for watchers.
        _keys.Prune(KvLimits.PrunedPerEntryMax);
        Digest hash = Digest.Of(message.Span);
        EntryReading reading = EntryCodec.Read(message);
        if (reading is EntryReading.Unreadable unreadable)
        {
            return TakeUnreadable(offset, hash, message.Length, unreadable.Why);
        }
        LogEntry? entry = (reading as EntryReading.Entry)?.Value;
        if (entry is not null && ContradictsBasis(entry, offset) is { } contradiction)
        {
            return Ignored(EntryFate.Halt, hash, entry, contradiction);
        }
        AppliedEntry applied = entry switch
        {
            null => Stray(hash, null, "It is no entry of ours."),
            { Commands: [{ Command: Command.Found found }] } => ApplyGenesis(
                found.Genesis, offset, hash, entry),
            _ when Genesis is null => Ignored(
                EntryFate.Halt,
                hash,
                entry,
                $"The log does not begin with a genesis but at offset {offset}: its start was truncated."),
            _ when entry.ClusterId != Genesis?.ClusterId => Stray(
                hash, entry, "It belongs to another cluster."),
            { Commands: [{ Command: Command.Register register }] } => ApplyRegister(
                register, offset, hash, entry),
            // A probe: what it has to say is its basis, which was compared above.
            { ProducerId: LogEntry.NoProducer, Commands: [{ Command: Command.Barrier }] } =>
                new AppliedEntry(EntryFate.Applied, hash, entry, "", [Done(order: 0)], ""),
            _ => ApplySequenced(entry, offset, hash, answering),
        };
        if (applied.Fate != EntryFate.Halt)
        {
            Advance(offset, hash, message.Length);
        }
        return applied;
    }

    private void Advance(long offset, Digest hash, int length)
    {
        AppliedOffset = offset;
        AppliedHash = hash;
        Chain = Chain.Chain(offset, hash);
        _history.Add(offset, Chain, Contents);
        Cluster.NoteMessage(length);
    }

    private string? ContradictsBasis(LogEntry entry, long offset)
    {
        if (entry.ClusterId != Genesis?.ClusterId || entry.BasisOffset < 0)
        {
            return null;
        }
        if (entry.BasisOffset >= offset)
        {
            return $"The entry at offset {offset} was built on offset {entry.BasisOffset}, which is not "
                + "before it: the log was rewritten.";
        }
        return _history.Agrees(entry.BasisOffset, entry.BasisChain)
            ? null
            : $"The entry at offset {offset} was built on another history up to offset {entry.BasisOffset} "
                + "than the one applied here: the log was rewritten.";
    }

    private AppliedEntry ApplyGenesis(Genesis genesis, long offset, Digest hash, LogEntry entry)
    {
        if (Genesis is not null)
        {
            return Ignored(EntryFate.LateGenesis, hash, entry, "The cluster is founded already.");
        }
        if (!_rules.Runs(genesis.ApplyVersion))
        {
            return Ignored(
                EntryFate.Halt,
                hash,
                entry,
                $"The cluster was founded with version {genesis.ApplyVersion}; this build runs "
                    + $"{_rules.Versions}.");
        }
        if (ContradictsBase(genesis) is { } contradiction)
        {
            return Ignored(EntryFate.Halt, hash, entry, contradiction);
        }
        Genesis = genesis;
        Cluster.Found(genesis);
        if (AwaitedGenesis is null)
        {
            _producers = new ProducerTable(genesis.ProducersMax);
            _requests = new RequestTable(genesis.RequestIdsMax);
        }
        AwaitedGenesis = null;
        return new AppliedEntry(EntryFate.Applied, hash, entry, "", [Done(order: 0)], "");
    }

    private AppliedEntry ApplyRegister(Command.Register register, long offset, Digest hash, LogEntry entry)
    {
        _producers.Register(offset, register.NodeId);
        return new AppliedEntry(EntryFate.Applied, hash, entry, register.NodeId, [Done(order: 0)], "");
    }

    private AppliedEntry ApplySequenced(LogEntry entry, long offset, Digest hash, long answering)
    {
        if (_producers.Find(entry.ProducerId) is not { } producer)
        {
            return Ignored(
                EntryFate.UnknownProducer, hash, entry, $"Producer {entry.ProducerId} is not registered.");
        }
        long expected = producer.LastSequence + 1;
        if (entry.Sequence != expected)
        {
            return Ignored(
                entry.Sequence < expected ? EntryFate.Duplicate : EntryFate.Gap,
                hash,
                entry,
                $"Sequence {entry.Sequence} of producer {producer.Id} stands where {expected} is next.");
        }
        if (NeedsNewerBuild(entry, offset) is { } why)
        {
            return Ignored(EntryFate.Halt, hash, entry, why);
        }
        _producers.Advance(producer, entry.Sequence, offset);
        var replies = new Reply[entry.Commands.Count];
        bool withValues = entry.ProducerId == answering;
        for (int i = 0; i < replies.Length; i++)
        {
            replies[i] = ApplyOnce(entry.Commands[i], offset, withValues);
        }
        return new AppliedEntry(EntryFate.Applied, hash, entry, producer.NodeId, replies, "");
    }

    private Reply ApplyOnce(LoggedCommand logged, long offset, bool withValues)
    {
        // A refusal is not remembered: who was denied something may ask again under the same id.
        if (RefusedByAuth(logged) is { } denied)
        {
            return Refused(denied);
        }
        if (logged.RequestId is not { } id)
        {
            return ApplyCommand(logged.Command, offset, withValues);
        }
        Digest command = CommandCodec.DigestOf(logged.Command);
        if (_requests.Answer(id, command, Revision, Order) is { } first)
        {
            return first;
        }
        Reply reply = ApplyCommand(logged.Command, offset, withValues);
        _requests.Remember(id, command, RequestTable.Kept(reply));
        // A table full of answers that changed nothing has its floor above the revision. No id could be
        // issued high enough any more, and nothing with an id could raise the revision.
        _keys.RaiseRevision(_requests.Floor);
        return reply;
    }

    private Reply ApplyCommand(Command command, long offset, bool withValues) => command switch
    {
        Command.Set set => ApplySet(set),
        Command.Get get => ApplyGet(get, withValues),
        Command.Del del => ApplyDel(del),
        Command.Print => new Reply.Printed(
            withValues ? View() : null) { Revision = Revision, Order = ++Order },
        Command.Close close => ApplyClose(close),
        Command.SnapshotTaken taken => DoneUnless(Cluster.Apply(taken, offset)),
        Command.ClusterVersion version => DoneUnless(Cluster.Apply(version)),
        Command.ClusterSize size => DoneUnless(Cluster.Apply(size)),
        Command.Auth auth => ApplyAuth(auth.Change),
        // Registrations and geneses count in an entry of their own only.
        Command.Barrier or Command.Register or Command.Found => Done(order: 0),
        _ => ApplyKeyCommand(command, withValues),
    };

    private Reply ApplySet(Command.Set set)
    {
        if (set.Key.IsEmpty)
        {
            return Refused(StoreError.KeyEmpty);
        }
        if (set.Key.Length + set.Value.Length > Genesis!.RequestBytesMax)
        {
            return Refused(StoreError.RequestTooLarge);
        }
        if (RefusedByAlarm(adds: true) is { } alarm)
        {
            return Refused(alarm);
        }
        Put(set.Key.Span, set.Value.ToArray(), leaseId: 0);
        _keys.EndTransaction();
        return Done(++Order);
    }

    private Reply ApplyGet(Command.Get get, bool withValues)
    {
        if (get.Key.IsEmpty)
        {
            return Refused(StoreError.KeyEmpty);
        }
        return new Reply.Got(withValues ? Get(get.Key.Span) : null) { Revision = Revision, Order = ++Order };
    }

    private Reply ApplyDel(Command.Del del)
    {
        if (del.Key.IsEmpty)
        {
            return Refused(StoreError.KeyEmpty);
        }
        bool wasThere = Delete(del.Key.Span) is not null;
        _keys.EndTransaction();
        return new Reply.Removed(wasThere ? 1 : 0) { Revision = Revision, Order = ++Order };
    }

    private Reply.Done ApplyClose(Command.Close close)
    {
        _producers.Close(close.ProducerId);
        return Done(order: 0);
    }

    private AppliedEntry Stray(Digest hash, LogEntry? entry, string why)
    {
        Strays++;
        return Ignored(EntryFate.Stray, hash, entry, why);
    }

    private static AppliedEntry Ignored(EntryFate fate, Digest hash, LogEntry? entry, string why) =>
        new(fate, hash, entry, "", [], why);

    private Reply.Done Done(long order) => new() { Revision = Revision, Order = order };

    private Reply.Refused Refused(StoreError error) => new(error) { Revision = Revision, Order = 0 };
}
