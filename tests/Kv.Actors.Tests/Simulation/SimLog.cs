using Kv.Actors.Log;
using Kv.Core.Entries;

namespace Kv.Actors.Tests.Simulation;

/// <summary>The one log: what arrives gets the next offset, with gaps.</summary>
internal sealed class SimLog(SimWorld world)
{
    private readonly List<LogRecord> _records = [];
    private long _nextOffset;

    internal IReadOnlyList<LogRecord> Records => _records;

    internal long FirstOffset => _records.Count == 0 ? 0 : _records[0].Offset;

    internal long LastOffset => _records.Count == 0 ? -1 : _records[^1].Offset;

    /// <summary>Its first records are gone.</summary>
    internal bool IsTruncated { get; private set; }

    /// <summary>Bytes appended, for whoever reads.</summary>
    internal event Action? Grown;

    internal void Arrive(byte[] message, string from)
    {
        // The first message of a log stands at 0: that is how a reader knows that it misses nothing before.
        if (_records.Count > 0 && world.IsFaulty && world.Dice.Chance(world.Plan.OffsetGap))
        {
            _nextOffset += world.Dice.Between(1, 5);
        }
        long offset = _nextOffset++;
        _records.Add(new LogRecord(offset, message));
        world.Transcript.Add($"log       {offset} <- {EntryText.Of(message)} from {from}");
        world.Oracle.Take(offset, message);
        Grown?.Invoke();
    }

    /// <summary>Up to <paramref name="recordsMax"/> records from an offset on.</summary>
    internal IReadOnlyList<LogRecord> Read(long fromOffset, int recordsMax)
    {
        int low = 0;
        int high = _records.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_records[middle].Offset < fromOffset)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }
        return _records.GetRange(low, Math.Min(recordsMax, _records.Count - low));
    }

    /// <summary>
    /// Drops what stands before an offset, as a size limit does; no genesis may be the first that is left.
    /// </summary>
    internal void TruncateBefore(long offset)
    {
        int count = _records.FindIndex(record => record.Offset >= offset);
        if (count > _records.FindLastIndex(static record => EntryText.IsGenesis(record.Entry)))
        {
            world.Transcript.Add($"log       is truncated, begins at {_records[count].Offset}");
            _records.RemoveRange(0, count);
            IsTruncated = true;
        }
    }

    /// <summary>Takes back what was confirmed: the log goes on behind its first records.</summary>
    internal void Rewind(int recordsKept)
    {
        world.Transcript.Add($"log       loses everything behind its first {recordsKept} records");
        _records.RemoveRange(recordsKept, _records.Count - recordsKept);
        _nextOffset = LastOffset + 1;
    }
}

/// <summary>Messages as a transcript shows them.</summary>
internal static class EntryText
{
    internal static string Of(ReadOnlyMemory<byte> message)
    {
        if (EntryCodec.Read(message) is not EntryReading.Entry { Value: var entry })
        {
            return "a stray";
        }
        string commands = string.Join(", ", entry.Commands.Select(static logged => Of(logged)));
        return $"{entry.ProducerId}.{entry.Sequence} [{commands}] on {entry.BasisOffset}";
    }

    internal static string Of(LoggedCommand logged)
    {
        string text = logged.Command switch
        {
            Command.Set set => $"set {Text(set.Key)}={Text(set.Value)}",
            Command.Get get => $"get {Text(get.Key)}",
            Command.Del del => $"del {Text(del.Key)}",
            Command.Register register => $"register {register.NodeId}",
            Command other => other.GetType().Name,
        };
        return logged.RequestId is { } id ? $"{text} id {id.IssuedAt}-{(uint)id.Id:x8}" : text;
    }

    internal static bool IsGenesis(ReadOnlyMemory<byte> message) =>
        EntryCodec.Read(message) is EntryReading.Entry { Value.Commands: [{ Command: Command.Found }] };

    internal static bool IsRegistration(ReadOnlyMemory<byte> message) =>
        EntryCodec.Read(message) is EntryReading.Entry { Value.Commands: [{ Command: Command.Register }] };

    internal static string Text(ReadOnlyMemory<byte> utf8) => System.Text.Encoding.UTF8.GetString(utf8.Span);
}
