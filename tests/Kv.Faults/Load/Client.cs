using System.Text.Json;
using Kv.Testing.Histories;

namespace Kv.Faults.Load;

/// <summary>
/// One client: an operation at a time on keys that all clients share, each write with a value that no other
/// has. Half of the writes carry a request id: an unknown outcome is asked for again, through another node.
/// </summary>
internal sealed class Client(
    string name,
    int seed,
    IReadOnlyList<KvClient> nodes,
    int firstNode,
    Func<string> nextKey,
    HistoryRecorder history,
    LoadCounts counts)
{
    private const int ThinkMsMax = 20;
    private const int DeadlineMsMin = 500;
    private const int DeadlineMsMax = 5_000;
    private const int AttemptsMax = 6;
    private const int PauseAfterFailureMs = 50;
    private const int PaddingBytes = 300;

    private static readonly string Padding = new('~', PaddingBytes);

    private readonly Random _random = new(seed);
    private int _node = firstNode;
    private int _writes;
    private long _revision;

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            bool succeeded = await OperateAsync(nextKey());
            int pauseMs = succeeded ? _random.Next(ThinkMsMax) : PauseAfterFailureMs;
            await Task.Delay(pauseMs, CancellationToken.None);
        }
    }

    /// <summary>Reads a key, as often as it takes.</summary>
    /// <returns>False: there was no answer in time.</returns>
    public async Task<bool> ReadAsync(string key, int attemptsMax)
    {
        for (int attempt = 0; attempt < attemptsMax; attempt++)
        {
            if (await GetAsync(key)) { return true; }
            await Task.Delay(PauseAfterFailureMs);
        }
        return false;
    }

    private Task<bool> OperateAsync(string key) => _random.Next(10) switch
    {
        < 4 => GetAsync(key),
        < 9 => WriteAsync("Set", key, $"{name}-{++_writes}"),
        _ => WriteAsync("Del", key, null),
    };

    private async Task<bool> GetAsync(string key)
    {
        long op = history.Call(name, OperationKind.Get, key);
        CallOutcome outcome = await nodes[_node].CallAsync(
            "Get", new Dictionary<string, object?> { ["key"] = key }, DeadlineMs());
        if (outcome is CallOutcome.Done done)
        {
            bool found = done.Fields.GetProperty("found").GetBoolean();
            history.Return(op, read: found ? ValueOf(done.Fields.GetProperty("local_value")) : null);
            Succeed(done, wasRepeated: false);
            return true;
        }
        // A read that was not answered changed nothing.
        history.Refused(op);
        Fail(outcome);
        counts.Refuse();
        return false;
    }

    private async Task<bool> WriteAsync(string method, string key, string? value)
    {
        var request = new Dictionary<string, object?> { ["key"] = key };
        if (value is not null) { request["value"] = value + Padding; }
        bool hasId = _random.Next(2) == 0;
        if (hasId) { request["request_id"] = $"{_revision}-{NewUuid()}"; }
        OperationKind kind = value is null ? OperationKind.Delete : OperationKind.Put;
        long op = history.Call(name, kind, key, value);
        bool mayBeApplied = false;
        for (int attempt = 1; ; attempt++)
        {
            CallOutcome outcome = await nodes[_node].CallAsync(method, request, DeadlineMs());
            if (outcome is CallOutcome.Done done)
            {
                bool? deleted = value is null ? done.Fields.GetProperty("deleted").GetInt64() > 0 : null;
                history.Return(op, succeeded: deleted);
                Succeed(done, wasRepeated: mayBeApplied);
                return true;
            }
            mayBeApplied |= outcome is CallOutcome.Unknown;
            Fail(outcome);
            if (!hasId || !mayBeApplied || attempt == AttemptsMax) { break; }
            counts.Repeat();
            await Task.Delay(PauseAfterFailureMs);
        }
        if (mayBeApplied)
        {
            history.Unknown(op);
            counts.LoseTrack();
        }
        else
        {
            history.Refused(op);
            counts.Refuse();
        }
        return false;
    }

    private void Succeed(CallOutcome.Done done, bool wasRepeated)
    {
        _revision = Math.Max(_revision, done.Fields.GetProperty("revision").GetInt64());
        counts.Succeed(done.Fields.GetProperty("order").GetInt64(), wasRepeated);
    }

    private void Fail(CallOutcome outcome)
    {
        counts.NoteFailure(outcome);
        _node = (_node + 1) % nodes.Count;
    }

    private int DeadlineMs() => _random.Next(DeadlineMsMin, DeadlineMsMax);

    private Guid NewUuid()
    {
        Span<byte> bytes = stackalloc byte[16];
        _random.NextBytes(bytes);
        return new Guid(bytes);
    }

    private static string ValueOf(JsonElement text)
    {
        string value = JsonSerializer.Deserialize<string>(text.GetString()!)!;
        return value.EndsWith(Padding, StringComparison.Ordinal)
            ? value[..^Padding.Length]
            : throw new InvalidDataException($"Nobody wrote the value {value}.");
    }
}
