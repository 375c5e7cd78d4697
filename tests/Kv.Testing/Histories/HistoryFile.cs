using System.Text.Json;
using System.Text.Json.Serialization;

namespace Kv.Testing.Histories;

/// <summary>Histories as text: one JSON object per line, in the order of their times.</summary>
public static class HistoryFile
{
    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    public static string ToLine(HistoryEvent happened) => JsonSerializer.Serialize(happened, Format);

    /// <exception cref="FormatException">The line is no event; the message says which line.</exception>
    public static IEnumerable<HistoryEvent> Read(IEnumerable<string> lines)
    {
        int number = 0;
        foreach (string line in lines)
        {
            number++;
            if (!string.IsNullOrWhiteSpace(line))
            {
                yield return Parse(line, number);
            }
        }
    }

    public static IEnumerable<HistoryEvent> ReadFile(string path) => Read(File.ReadLines(path));

    /// <summary>Pairs calls with their ends. Calls without one have an unknown outcome.</summary>
    /// <returns>Operations in the order of their calls; those that did nothing are left out.</returns>
    /// <exception cref="FormatException">
    /// An end without a call, a second call or end, a missing field.
    /// </exception>
    public static IReadOnlyList<Operation> ToOperations(IEnumerable<HistoryEvent> events)
    {
        Dictionary<long, Operation> operations = [];
        HashSet<long> ended = [];
        HashSet<long> refused = [];
        List<long> order = [];
        foreach (HistoryEvent happened in events)
        {
            if (happened.Event == EventKind.Call)
            {
                if (!operations.TryAdd(happened.Op, Called(happened)))
                {
                    throw new FormatException($"Operation {happened.Op} is called twice.");
                }
                order.Add(happened.Op);
                continue;
            }
            if (!operations.TryGetValue(happened.Op, out Operation? call) || !ended.Add(happened.Op))
            {
                throw new FormatException($"Operation {happened.Op} ends without a call, or twice.");
            }
            if (happened.Event == EventKind.Refused)
            {
                refused.Add(happened.Op);
            }
            else if (happened.Event == EventKind.Return)
            {
                operations[happened.Op] = Returned(call, happened);
            }
        }
        return [.. order.Where(id => !refused.Contains(id)).Select(id => operations[id])];
    }

    /// <summary>The events of operations, in the order of their times; calls before returns.</summary>
    public static IEnumerable<HistoryEvent> ToEvents(IEnumerable<Operation> operations) => operations
        .SelectMany(static operation => new[] { CallOf(operation), EndOf(operation) })
        .OrderBy(static happened => happened.At)
        .ThenBy(static happened => happened.Event);

    private static HistoryEvent Parse(string line, int number)
    {
        try
        {
            return JsonSerializer.Deserialize<HistoryEvent>(line, Format)
                ?? throw new FormatException($"Line {number} is null.");
        }
        catch (JsonException cause)
        {
            throw new FormatException($"Line {number} is no event: {cause.Message}", cause);
        }
    }

    private static Operation Called(HistoryEvent call) => new()
    {
        Id = call.Op,
        Client = call.Client ?? "",
        Kind = call.Kind ?? throw new FormatException($"The call of operation {call.Op} has no kind."),
        Key = call.Key ?? throw new FormatException($"The call of operation {call.Op} has no key."),
        Value = call.Value,
        Expected = call.Expected,
        CalledAt = call.At,
    };

    private static Operation Returned(Operation call, HistoryEvent end) => end.At < call.CalledAt
        ? throw new FormatException($"Operation {call.Id} returns before it is called.")
        : call with { ReturnedAt = end.At, Read = end.Read, Succeeded = end.Succeeded };

    private static HistoryEvent CallOf(Operation operation) => new()
    {
        Event = EventKind.Call,
        Op = operation.Id,
        At = operation.CalledAt,
        Client = operation.Client,
        Kind = operation.Kind,
        Key = operation.Key,
        Value = operation.Value,
        Expected = operation.Expected,
    };

    private static HistoryEvent EndOf(Operation operation) => new()
    {
        Event = operation.IsUnknown ? EventKind.Unknown : EventKind.Return,
        Op = operation.Id,
        At = operation.IsUnknown ? operation.CalledAt : operation.ReturnedAt,
        Read = operation.Read,
        Succeeded = operation.Succeeded,
    };
}
