using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Grpc.Core;
using Kv.Core.Entries;

namespace Kv.Host.Grpc;

/// <summary>
/// A request of kv.KvService: one JSON object. Fields that a call does not know are ignored, as the
/// original did.
/// </summary>
internal sealed class JsonRequest
{
    private readonly JsonElement _fields;

    private JsonRequest(JsonElement fields) => _fields = fields;

    /// <exception cref="RpcException">INVALID_ARGUMENT: not a JSON object in UTF-8.</exception>
    public static JsonRequest Parse(ReadOnlySequence<byte> payload)
    {
        byte[] bytes = payload.ToArray();
        if (bytes.Length == 0)
        {
            // Print's request may be empty altogether.
            bytes = "{}"u8.ToArray();
        }
        if (!Utf8.IsValid(bytes))
        {
            throw ErrorTable.InvalidArgument("The request is not UTF-8.");
        }
        try
        {
            // Not disposed: its memory is our own array, and the value's text lives in it.
            JsonElement root = JsonDocument.Parse(bytes, JsonText.DocumentOptions).RootElement;
            return root.ValueKind == JsonValueKind.Object
                ? new JsonRequest(root)
                : throw ErrorTable.InvalidArgument(
                    $"The request is a JSON {root.ValueKind}; it must be an object.");
        }
        catch (JsonException malformed)
        {
            throw ErrorTable.InvalidArgument($"The request is not JSON: {malformed.Message}");
        }
    }

    /// <summary>The text of a field; null when it is missing or null.</summary>
    /// <exception cref="RpcException">INVALID_ARGUMENT: it is no string.</exception>
    public string? Text(string field)
    {
        if (!TryFind(field, out JsonElement element) || element.ValueKind == JsonValueKind.Null)
        {
            return null;
        }
        if (element.ValueKind != JsonValueKind.String)
        {
            throw ErrorTable.InvalidArgument(
                $"Field \"{field}\" is a JSON {element.ValueKind}; it must be a string.");
        }
        try
        {
            return element.GetString();
        }
        catch (InvalidOperationException halfSurrogate)
        {
            throw ErrorTable.InvalidArgument(
                $"Field \"{field}\" is no Unicode text: {halfSurrogate.Message}");
        }
    }

    /// <summary>A text field as UTF-8; empty when it is missing or null.</summary>
    public ReadOnlyMemory<byte> Bytes(string field) => Encoding.UTF8.GetBytes(Text(field) ?? "");

    /// <summary>The JSON text of a field of any kind, exactly as sent; null when it is missing.</summary>
    public ReadOnlyMemory<byte>? Raw(string field) => TryFind(field, out JsonElement element)
        ? Encoding.UTF8.GetBytes(element.GetRawText())
        // A plain null would become an empty value on its way.
        : default(ReadOnlyMemory<byte>?);

    /// <exception cref="RpcException">INVALID_ARGUMENT: it is no whole number of at least 0.</exception>
    public long? Count(string field)
    {
        if (!TryFind(field, out JsonElement element) || element.ValueKind == JsonValueKind.Null)
        {
            return null;
        }
        return element.ValueKind == JsonValueKind.Number && element.TryGetInt64(out long count) && count >= 0
            ? count
            : throw ErrorTable.InvalidArgument(
                $"Field \"{field}\" is {element.GetRawText()}; it must be a whole number of at least 0.");
    }

    /// <exception cref="RpcException">
    /// INVALID_ARGUMENT: another word than "linearizable", "barrier" or "local".
    /// </exception>
    public ReadMode ReadMode() => Text("consistency") switch
    {
        null or "linearizable" => Grpc.ReadMode.Linearizable,
        "barrier" => Grpc.ReadMode.Barrier,
        "local" => Grpc.ReadMode.Local,
        string other => throw ErrorTable.InvalidArgument($"Field \"consistency\" is \"{other}\"; it must be "
            + "\"linearizable\", \"barrier\" or \"local\"."),
    };

    /// <exception cref="RpcException">INVALID_ARGUMENT: not of the form of a request id.</exception>
    public RequestId? RequestId() => Text("request_id") switch
    {
        null => null,
        string text when Core.Entries.RequestId.TryParse(text, out RequestId id) => id,
        string text => throw ErrorTable.InvalidArgument(
            $"Field \"request_id\" is \"{text}\"; it must be a UUID, or a revision, a dash and a UUID."),
    };

    private bool TryFind(string field, out JsonElement element)
    {
        try
        {
            return _fields.TryGetProperty(field, out element);
        }
        catch (InvalidOperationException halfSurrogate)
        {
            throw ErrorTable.InvalidArgument(
                $"A field's name is no Unicode text: {halfSurrogate.Message}");
        }
    }
}
