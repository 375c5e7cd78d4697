using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Tests.Simulation;

/// <summary>
/// What the log means, computed entry by entry in the most naive way and with nothing of the store's own
/// code but the codec. Sees the whole log and forgets nothing, so that it notices what happens twice.
/// </summary>
internal sealed class LogOracle
{
    private readonly SortedDictionary<string, string> _keys = new(StringComparer.Ordinal);
    private readonly Dictionary<long, (long Last, long AtOffset)> _producers = [];
    private readonly List<(UInt128 Id, Result Result)> _requests = [];
    private readonly HashSet<UInt128> _requestsEver = [];
    private readonly HashSet<string> _valuesEver = [];
    private readonly Dictionary<long, Moment> _moments = [];
    private readonly Dictionary<long, Result> _byOrder = [];
    private Genesis? _genesis;
    private Digest _chain;
    private long _revision = 1;
    private long _order;
    private long _strays;
    private long _floor;
    private string _state = "";

    /// <summary>The store as it must be behind an offset.</summary>
    internal sealed record Moment(
        Digest Chain, long Revision, long Order, long Strays, int Producers, int Requests, string State);

    /// <summary>What applying a command must answer.</summary>
    internal sealed record Result(
        LoggedCommand Command, string Answer, long Revision, long Order, long Offset);

    internal IReadOnlyDictionary<long, Result> ByOrder => _byOrder;

    internal int RequestsMax => _genesis?.RequestIdsMax ?? 0;

    internal int ProducersMax => _genesis?.ProducersMax ?? 0;

    /// <summary>Values set by an entry that was applied.</summary>
    internal bool WasSet(string value) => _valuesEver.Contains(value);

    internal bool WasApplied(UInt128 requestId) => _requestsEver.Contains(requestId);

    internal Moment? Find(long offset) => _moments.GetValueOrDefault(offset);

    internal void Take(long offset, byte[] message)
    {
        switch (EntryCodec.Read(message))
        {
            case EntryReading.Entry { Value: var entry }:
                Take(offset, entry);
                break;
            default:
                _strays++;
                break;
        }
        _chain = _chain.Chain(offset, Digest.Of(message));
        _moments[offset] = new Moment(
            _chain, _revision, _order, _strays, _producers.Count, _requests.Count, _state);
    }

    private void Take(long offset, LogEntry entry)
    {
        if (entry.Commands[0].Command is Command.Found found)
        {
            _genesis ??= found.Genesis;
        }
        else if (entry.ClusterId != _genesis!.ClusterId)
        {
            _strays++;
        }
        else if (entry.Commands[0].Command is Command.Register)
        {
            _producers.Add(offset, (0, offset));
            if (_producers.Count > _genesis.ProducersMax)
            {
                _producers.Remove(_producers.MinBy(static producer => producer.Value.AtOffset).Key);
            }
        }
        else if (_producers.TryGetValue(entry.ProducerId, out var producer)
            && producer.Last + 1 == entry.Sequence)
        {
            _producers[entry.ProducerId] = (entry.Sequence, offset);
            foreach (LoggedCommand logged in entry.Commands)
            {
                ApplyOnce(logged, offset);
            }
        }
    }

    private void ApplyOnce(LoggedCommand logged, long offset)
    {
        if (logged.RequestId is not { } id)
        {
            Apply(logged, offset);
            return;
        }
        if (_requests.Exists(known => known.Id == id.Id) || id.IssuedAt < _floor)
        {
            return;
        }
        if (!_requestsEver.Add(id.Id))
        {
            throw new SimulationFailure(
                $"Request id {id} was applied a second time, at offset {offset}: {EntryText.Of(logged)}.");
        }
        _requests.Add((id.Id, Apply(logged, offset)));
        if (_requests.Count > _genesis!.RequestIdsMax)
        {
            _floor = Math.Max(_floor, _requests[0].Result.Revision + 1);
            _requests.RemoveAt(0);
            _revision = Math.Max(_revision, _floor);
        }
    }

    private Result Apply(LoggedCommand logged, long offset)
    {
        string answer = "";
        switch (logged.Command)
        {
            case Command.Set set:
                SetKey(EntryText.Text(set.Key), EntryText.Text(set.Value), offset);
                break;
            case Command.Get get:
                answer = _keys.GetValueOrDefault(EntryText.Text(get.Key), "nothing");
                break;
            case Command.Del del:
                bool deleted = _keys.Remove(EntryText.Text(del.Key));
                _revision += deleted ? 1 : 0;
                answer = deleted ? "1" : "0";
                _state = Show();
                break;
            case Command.Print:
                answer = _state;
                break;
            default:
                return new Result(logged, "", _revision, 0, offset);
        }
        var result = new Result(logged, answer, _revision, ++_order, offset);
        _byOrder.Add(_order, result);
        return result;
    }

    private void SetKey(string key, string value, long offset)
    {
        if (!_valuesEver.Add(value))
        {
            throw new SimulationFailure($"{value} was set a second time, at offset {offset}.");
        }
        _keys[key] = value;
        _revision++;
        _state = Show();
    }

    private string Show() => StateText.Of(_keys);
}

/// <summary>All keys and values as one text, for comparing and for people.</summary>
internal static class StateText
{
    internal static string Of(IEnumerable<KeyValuePair<string, string>> keys) =>
        string.Join(' ', keys.Select(static pair => $"{pair.Key}={pair.Value}"));

    internal static string Of(IKeyValueView view) => Of(view.Scan(default, default)
        .Select(static pair => KeyValuePair.Create(EntryText.Text(pair.Key), EntryText.Text(pair.Value))));
}
