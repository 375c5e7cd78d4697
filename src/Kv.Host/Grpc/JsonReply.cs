using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using Grpc.Core;
using Kv.Actors.Nodes;
using Kv.Core;
using Kv.Core.Store;

namespace Kv.Host.Grpc;

/// <summary>Replies of kv.KvService: one JSON object each, in UTF-8. docs/wire.md has them all.</summary>
internal static class JsonReply
{
    private static readonly JsonWriterOptions WriterOptions = new()
    {
        // For machines and terminals, not for HTML: text stays readable.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
        MaxDepth = JsonText.DepthMax + 2,
    };

    public static byte[] Error(string node, string message) =>
        Object("error", message, node, static _ => { });

    /// <param name="ack">What the write has behind it; empty: the mode promises nothing.</param>
    public static byte[] Set(string node, Reply reply, string ack) => Object("ok", "stored", node, json =>
    {
        json.WriteNumber("order", reply.Order);
        json.WriteNumber("revision", reply.Revision);
        WriteAck(json, ack);
    });

    /// <inheritdoc cref="Set"/>
    public static byte[] Del(string node, Reply.Removed reply, string ack) =>
        Object("ok", reply.Deleted == 0 ? "no such key" : "deleted", node, json =>
        {
            json.WriteNumber("order", reply.Order);
            json.WriteNumber("revision", reply.Revision);
            json.WriteNumber("deleted", reply.Deleted);
            WriteAck(json, ack);
        });

    /// <exception cref="RpcException">
    /// RESOURCE_EXHAUSTED: with its escapes the value does not fit into a message.
    /// </exception>
    public static byte[] Get(string node, Reply.Got reply)
    {
        byte[] message = Object("ok", reply.Value is null ? "no such key" : "found", node, json =>
        {
            if (reply.Value is { } value)
            {
                (string text, bool isBase64) = JsonText.Show(value.Span);
                json.WriteString("local_value", text);
                if (isBase64)
                {
                    json.WriteBoolean("value_is_base64", true);
                }
            }
            else
            {
                json.WriteString("local_value", "null"u8);
            }
            json.WriteBoolean("found", reply.Value is not null);
            json.WriteNumber("order", reply.Order);
            json.WriteNumber("revision", reply.Revision);
        });
        return message.Length <= KvLimits.MessageBytesMax
            ? message
            : throw ErrorTable.ResourceExhausted(
                "The value, written as a JSON string, exceeds the message limit of "
                + $"{KvLimits.MessageBytesMax} bytes. kv.v1.KvService gives it without escapes.");
    }

    /// <exception cref="RpcException">
    /// RESOURCE_EXHAUSTED: the keys asked for do not fit into a message.
    /// </exception>
    public static byte[] Print(
        NodeStatus status,
        Reply.Printed reply,
        ReadOnlyMemory<byte> prefix,
        ReadOnlyMemory<byte> after,
        long limit)
    {
        List<string> base64Values = [];
        Dictionary<string, ReadOnlyMemory<byte>> binaryKeys = [];
        bool more = false;
        byte[] message = Object("ok", "snapshot", status.NodeId, json =>
        {
            json.WriteStartObject("snapshot");
            foreach ((ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value) in PrintPage.Take(
                reply.View!, prefix, after, limit, () => more = true))
            {
                PrintPage.CheckSize(json.BytesCommitted + json.BytesPending + key.Length + value.Length);
                if (!Utf8.IsValid(key.Span))
                {
                    binaryKeys[Convert.ToBase64String(key.Span)] = value;
                    continue;
                }
                (string text, bool isBase64) = JsonText.Show(value.Span);
                json.WritePropertyName(key.Span);
                json.WriteRawValue(text, skipInputValidation: true);
                if (isBase64)
                {
                    base64Values.Add(Encoding.UTF8.GetString(key.Span));
                }
            }
            json.WriteEndObject();
            WriteBinary(json, binaryKeys, base64Values);
            json.WriteBoolean("more", more);
            json.WriteNumber("order", reply.Order);
            json.WriteNumber("revision", reply.Revision);
            JsonStatus.Write(json, status);
        });
        PrintPage.CheckSize(message.Length);
        return message;
    }

    private static void WriteBinary(
        Utf8JsonWriter json, Dictionary<string, ReadOnlyMemory<byte>> binaryKeys, List<string> base64Values)
    {
        if (binaryKeys.Count > 0)
        {
            json.WriteStartArray("binary_keys");
            foreach ((string key, ReadOnlyMemory<byte> value) in binaryKeys)
            {
                (string text, bool isBase64) = JsonText.Show(value.Span);
                json.WriteStartObject();
                json.WriteString("key_base64", key);
                json.WritePropertyName("value");
                json.WriteRawValue(text, skipInputValidation: true);
                if (isBase64)
                {
                    json.WriteBoolean("value_is_base64", true);
                }
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        if (base64Values.Count > 0)
        {
            json.WriteStartArray("base64_values");
            base64Values.ForEach(json.WriteStringValue);
            json.WriteEndArray();
        }
    }

    private static void WriteAck(Utf8JsonWriter json, string ack)
    {
        if (ack.Length > 0)
        {
            json.WriteString("ack", ack);
        }
    }

    private static byte[] Object(string status, string message, string node, Action<Utf8JsonWriter> writeRest)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using var json = new Utf8JsonWriter(buffer, WriterOptions);
        json.WriteStartObject();
        json.WriteString("status", status);
        json.WriteString("message", message);
        json.WriteString("node", node);
        writeRest(json);
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }
}
