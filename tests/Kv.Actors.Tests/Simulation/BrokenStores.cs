using Kv.Actors.Log;
using Kv.Actors.Publishing;
using Kv.Actors.Store;
using Kv.Core.Entries;

namespace Kv.Actors.Tests.Simulation;

/// <summary>
/// A store that takes entries for something else than they are. The publisher is told their true hash and
/// sequence, so that it is left to the other checks to notice.
/// </summary>
internal abstract class BrokenStore : BrokenParts
{
    private readonly Dictionary<(SimNode, long), byte[]> _changed = [];
    private readonly Dictionary<Digest, (long Sequence, Digest Hash)> _true = [];

    internal override bool ComparesChains => false;

    internal override bool Deliver(SimNode node, StoreActor.FeedRun run)
    {
        foreach (LogRecord record in run.Records)
        {
            if (!_changed.TryGetValue((node, record.Offset), out byte[]? bytes))
            {
                bytes = Change(node, record.Entry);
                _changed.Add((node, record.Offset), bytes);
            }
            if (!base.Deliver(node, run with { Records = [record with { Entry = bytes }] }))
            {
                return false;
            }
        }
        return true;
    }

    internal override object WordToPublisher(SimNode node, object word) =>
        word is PublisherActor.ReadBack back && _true.TryGetValue(back.Hash, out var real)
            ? back with { Sequence = real.Sequence, Hash = real.Hash }
            : word;

    /// <returns>What the store takes the entry for.</returns>
    protected abstract LogEntry Change(SimNode node, LogEntry entry);

    /// <summary>Sequence of the producer's last entry applied; null: no such producer.</summary>
    protected static long? LastSequence(SimNode node, LogEntry entry) =>
        node.Follower.Store.Producers.Find(entry.ProducerId)?.LastSequence;

    private byte[] Change(SimNode node, ReadOnlyMemory<byte> message)
    {
        if (EntryCodec.Read(message) is not EntryReading.Entry { Value: var entry })
        {
            return message.ToArray();
        }
        byte[] changed = EntryCodec.Encode(Change(node, entry));
        _true[Digest.Of(changed)] = (entry.Sequence, Digest.Of(message.Span));
        return changed;
    }
}

internal sealed class StoreThatAppliesGaps : BrokenStore
{
    protected override LogEntry Change(SimNode node, LogEntry entry) =>
        LastSequence(node, entry) is { } last && entry.Sequence > last + 1
            ? entry with { Sequence = last + 1 }
            : entry;
}

internal sealed class StoreThatAppliesDuplicates : BrokenStore
{
    protected override LogEntry Change(SimNode node, LogEntry entry) =>
        LastSequence(node, entry) is { } last && entry.Sequence <= last
            ? entry with { Sequence = last + 1 }
            : entry;
}

internal sealed class StoreWithoutRequestIds : BrokenStore
{
    protected override LogEntry Change(SimNode node, LogEntry entry) => entry with
    {
        Commands = [.. entry.Commands.Select(static logged => logged with { RequestId = null })],
    };
}

/// <summary>One node loses deletions, and bases do not tell.</summary>
internal sealed class StoreThatDiffersOnOneNode : BrokenStore
{
    protected override LogEntry Change(SimNode node, LogEntry entry) => entry with
    {
        BasisOffset = -1,
        Commands =
        [
            .. entry.Commands.Select(logged => node.Number == 1 && logged.Command is Command.Del
                ? logged with { Command = new Command.Get("k0"u8.ToArray()) }
                : logged),
        ],
    };
}

/// <summary>It does not look at what an entry's producer had applied.</summary>
internal sealed class StoreThatIgnoresBases : BrokenStore
{
    protected override LogEntry Change(SimNode node, LogEntry entry) => entry with { BasisOffset = -1 };
}

/// <summary>It takes what its feed reads for all there was.</summary>
internal sealed class StoreWithoutGapCheck : BrokenParts
{
    internal override bool ChecksGaps => false;
}

/// <summary>It takes runs that were read before a reconnect for the new connection's.</summary>
internal sealed class StoreThatTakesOldRuns : BrokenParts
{
    internal override bool Deliver(SimNode node, StoreActor.FeedRun run) =>
        base.Deliver(node, run with { Point = node.Witness.Point! });
}

/// <summary>It goes on from its resume point without a look at what stands there now.</summary>
internal sealed class StoreThatTrustsItsResumePoint : BrokenParts
{
    private readonly Dictionary<(SimNode, long), LogRecord> _remembered = [];
    private readonly Dictionary<SimNode, StoreActor.ResumePoint> _points = [];

    internal override bool Deliver(SimNode node, StoreActor.FeedRun run)
    {
        List<LogRecord> records = [.. run.Records];
        long applied = node.Follower.Store.AppliedOffset;
        if (!ReferenceEquals(_points.GetValueOrDefault(node), run.Point)
            && _remembered.TryGetValue((node, applied), out LogRecord last))
        {
            records.RemoveAll(record => record.Offset <= applied);
            records.Insert(0, last);
        }
        _points[node] = run.Point;
        foreach (LogRecord record in records)
        {
            _remembered[(node, record.Offset)] = record;
        }
        return base.Deliver(node, run with { Records = records });
    }
}
