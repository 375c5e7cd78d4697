using Akka.Actor;
using Kv.Actors.Journal;
using Kv.Actors.Log;
using Kv.Actors.Publishing;
using Kv.Core;

namespace Kv.Actors.Store;

/// <summary>What the journal gets of what was applied, and how far it may lag.</summary>
public sealed partial class StoreActor
{
    /// <summary>What a record takes beside its message, bytes: it must not cost nothing.</summary>
    private const int JournalRecordBytes = 64;

    private readonly IActorRef? _journal;

    // What was applied of the present run.
    private List<JournalRecord> _journalRun = [];
    private long _journalRunBytes;

    // Handed to the journal and not yet written.
    private long _unjournaledBytes;
    private IActorRef? _acknowledgeLater;
    private PublisherActor.Persisted? _persisted;

    private void BeginJournal(JournalReading? reading) => _journal?.Tell(new JournalActor.Begin(
        new JournalPoint(Store.AppliedOffset, Store.Chain),
        Store.Genesis,
        Store.Cluster.Size,
        [.. Store.RecentHistory().Select(static past => new JournalPoint(past.Offset, past.Chain))],
        reading));

    private void NoteForJournal(LogRecord record)
    {
        if (_journal is not null)
        {
            _journalRun.Add(new JournalRecord(record.Offset, record.Entry, Store.Chain));
            _journalRunBytes += record.Entry.Length + JournalRecordBytes;
        }
    }

    private void HandToJournal()
    {
        if (_journalRun.Count > 0)
        {
            _unjournaledBytes += _journalRunBytes;
            _journal!.Tell(new JournalActor.Append(
                Store.Genesis, Store.Cluster.Size, _journalRun, _journalRunBytes));
            (_journalRun, _journalRunBytes) = ([], 0);
        }
    }

    private void AcknowledgeWhenJournaled(IActorRef feed)
    {
        if (_unjournaledBytes <= KvLimits.JournalPendingBytesMax)
        {
            feed.Tell(new FeedAck());
        }
        else
        {
            _acknowledgeLater = feed;
        }
    }

    private void NoteTaken(JournalActor.Taken taken)
    {
        // Word of a former life of this actor may come, too.
        _unjournaledBytes = Math.Max(0, _unjournaledBytes - taken.Bytes);
        if (_acknowledgeLater is { } feed && _unjournaledBytes <= KvLimits.JournalPendingBytesMax)
        {
            _acknowledgeLater = null;
            feed.Tell(new FeedAck());
        }
    }

    private void TellPersisted()
    {
        if (_persisted is { } persisted)
        {
            _publisher.Tell(persisted);
        }
    }
}
