using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;

namespace Kv.Core.Merge;

/// <summary>
/// The original system's JSON: {"command_type","key","value","sender_id","message_uuid"}. See
/// docs/formats-queue.md.
/// </summary>
public static class QueueMessageCodec
{
    public const string ContentType = "application/json";

    private static readonly JsonWriterOptions Written = new()
    {
        // Keys are read by people in broker consoles, and JSON needs no escapes for letters.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        MaxDepth = MergeLimits.JsonDepthMax,
    };

    private static readonly JsonReaderOptions Read = new() { MaxDepth = MergeLimits.JsonDepthMax };

    /// <summary>Writes the five fields; the value's bytes stand in it as they are.</summary>
    /// <exception cref="ArgumentException">
    /// The key is not UTF-8, or the value is not JSON or nested too deep.
    /// </exception>
    public static byte[] Encode(QueueMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (!Utf8.IsValid(message.Key) || !Utf8.IsValid(message.Value))
        {
            throw new ArgumentException("Key and value must be UTF-8.", nameof(message));
        }
        var buffer = new ArrayBufferWriter<byte>(message.Key.Length + message.Value.Length + 160);
        using var json = new Utf8JsonWriter(buffer, Written);
        json.WriteStartObject();
        json.WriteString("command_type"u8, NameOf(message.Command));
        if (message.Command == QueueCommand.Print)
        {
            json.WriteNull("key"u8);
        }
        else
        {
            json.WriteString("key"u8, message.Key);
        }
        json.WritePropertyName("value"u8);
        WriteValue(json, message);
        json.WriteString("sender_id"u8, message.SenderId);
        json.WriteString("message_uuid"u8, message.Uuid);
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Reads a message without its headers. Fields that are not ours are passed over.</summary>
    /// <param name="problem">What is wrong with it, for a log; null if nothing is.</param>
    public static bool TryDecode(
        ReadOnlySpan<byte> body,
        [NotNullWhen(true)] out QueueMessage? message,
        [NotNullWhen(false)] out string? problem)
    {
        message = null;
        problem = "is not UTF-8";
        if (!Utf8.IsValid(body)) { return false; }
        try
        {
            var fields = new Fields();
            problem = fields.ReadFrom(body) ?? fields.ToMessage(out message);
        }
        catch (JsonException cause)
        {
            problem = $"is not JSON ({cause.Message})";
        }
        catch (InvalidOperationException)
        {
            // What the reader throws on a string with half a surrogate pair.
            problem = "has a string that is not Unicode text";
        }
        return problem is null && message is not null;
    }

    private static void WriteValue(Utf8JsonWriter json, QueueMessage message)
    {
        if (message.Command != QueueCommand.Set)
        {
            json.WriteNullValue();
            return;
        }
        try
        {
            json.WriteRawValue(message.Value);
        }
        catch (Exception cause)
            when (cause is JsonException or InvalidOperationException or ArgumentException)
        {
            throw new ArgumentException("The value is not JSON, or nested too deep.", nameof(message), cause);
        }
    }

    /// <summary>The command as the wire spells it.</summary>
    public static string NameOf(QueueCommand command) => command switch
    {
        QueueCommand.Set => "SET",
        QueueCommand.Get => "GET",
        QueueCommand.Print => "PRINT",
        QueueCommand.Del => "DEL",
        _ => throw new ArgumentOutOfRangeException(nameof(command), command, "Unknown command."),
    };

    private static QueueCommand? CommandOf(string? name) => name switch
    {
        "SET" => QueueCommand.Set,
        "GET" => QueueCommand.Get,
        "PRINT" => QueueCommand.Print,
        "DEL" => QueueCommand.Del,
        _ => null,
    };

    /// <summary>The five fields as they are read; a method that fails returns what is wrong.</summary>
    private ref struct Fields
    {
        private string? _command;
        private string? _key;
        private bool _hasKey;
        private byte[]? _value;
        private string? _senderId;
        private string? _uuid;

        public string? ReadFrom(ReadOnlySpan<byte> body)
        {
            var reader = new Utf8JsonReader(body, Read);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return "is not a JSON object";
            }
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                string? name = reader.GetString();
                reader.Read();
                if (ReadField(name, ref reader, body) is { } problem) { return problem; }
            }
            return reader.Read() ? "has more behind the object" : null;
        }

        private string? ReadField(string? name, ref Utf8JsonReader reader, ReadOnlySpan<byte> body)
        {
            switch (name)
            {
                case "command_type": return ReadText(name, ref reader, ref _command);
                case "sender_id": return ReadText(name, ref reader, ref _senderId);
                case "message_uuid": return ReadText(name, ref reader, ref _uuid);
                case "key":
                    if (_hasKey) { return "has key twice"; }
                    _hasKey = true;
                    return reader.TokenType == JsonTokenType.Null
                        ? null
                        : ReadText(name, ref reader, ref _key);
                case "value":
                    if (_value is not null) { return "has value twice"; }
                    int start = (int)reader.TokenStartIndex;
                    reader.Skip();
                    _value = body[start..(int)reader.BytesConsumed].ToArray();
                    return null;
                default:
                    reader.Skip();
                    return null;
            }
        }

        private static string? ReadText(string name, ref Utf8JsonReader reader, ref string? text)
        {
            if (reader.TokenType != JsonTokenType.String) { return $"has a {name} that is not a string"; }
            if (text is not null) { return $"has {name} twice"; }
            text = reader.GetString();
            return null;
        }

        public readonly string? ToMessage(out QueueMessage? message)
        {
            message = null;
            if (_command is null) { return "has no command_type"; }
            if (CommandOf(_command) is not { } command) { return "has an unknown command_type"; }
            if (!_hasKey) { return "has no key"; }
            if (_value is null) { return "has no value"; }
            if (NameProblem(_senderId, "sender_id") is { } sender) { return sender; }
            if (NameProblem(_uuid, "message_uuid") is { } uuid) { return uuid; }
            if (command != QueueCommand.Print && string.IsNullOrEmpty(_key)) { return "has an empty key"; }
            byte[] key = command == QueueCommand.Print ? [] : Encoding.UTF8.GetBytes(_key!);
            byte[] value = command == QueueCommand.Set ? _value : [];
            if (key.Length + value.Length > KvLimits.RequestBytesMax)
            {
                return "has key and value of over 1.5 MiB";
            }
            message = new QueueMessage(command, key, value, _senderId!, _uuid!, Origin: null);
            return null;
        }

        private static string? NameProblem(string? name, string field)
        {
            if (string.IsNullOrEmpty(name)) { return $"has no {field}"; }
            bool isLong = Encoding.UTF8.GetByteCount(name) > MergeLimits.NameBytesMax;
            return isLong ? $"has a {field} of over {MergeLimits.NameBytesMax} bytes" : null;
        }
    }
}
