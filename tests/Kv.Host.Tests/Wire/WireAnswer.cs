using System.Text.Json;

namespace Kv.Host.Tests.Wire;

/// <summary>What the foreign client got: a reply, or a gRPC status that is not OK.</summary>
/// <param name="Code">gRPC status, "OK" with a reply.</param>
/// <param name="Details">The status' message; empty with a reply.</param>
public sealed record WireAnswer(string Code, string Details, JsonElement Reply)
{
    internal static WireAnswer Parse(string line)
    {
        JsonElement answer = JsonDocument.Parse(line).RootElement;
        return answer.TryGetProperty("ok", out JsonElement reply)
            ? new WireAnswer("OK", "", JsonDocument.Parse(reply.GetString()!, DeepJson).RootElement)
            : new WireAnswer(
                answer.GetProperty("code").GetString()!, answer.GetProperty("details").GetString()!, default);
    }

    /// <summary>A field of the reply; fails with the status where there is none.</summary>
    public JsonElement this[string field] => Code == "OK"
        ? Reply.GetProperty(field)
        : throw new InvalidOperationException($"The call ended with {Code}: {Details}");

    public string Text(string field) => this[field].GetString()!;

    public long Number(string field) => this[field].GetInt64();

    /// <summary>Names of the reply's fields, in their order.</summary>
    public string[] Fields => [.. Reply.EnumerateObject().Select(static property => property.Name)];

    /// <summary>Keys of a Print's snapshot, in their order.</summary>
    public string[] Keys => [.. this["snapshot"].EnumerateObject().Select(static entry => entry.Name)];

    private static readonly JsonDocumentOptions DeepJson = new() { MaxDepth = 1_024 };
}
