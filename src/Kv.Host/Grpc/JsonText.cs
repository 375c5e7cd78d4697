using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Kv.Host.Grpc;

/// <summary>Values as the simple API shows them: JSON text, whatever bytes are stored.</summary>
internal static class JsonText
{
    /// <summary>Deepest nesting accepted, levels: far beyond real data, and no danger to the stack.</summary>
    public const int DepthMax = 512;

    private static readonly JsonReaderOptions ReaderOptions = new() { MaxDepth = DepthMax };

    /// <summary>For a request: an object around the value.</summary>
    public static readonly JsonDocumentOptions DocumentOptions = new() { MaxDepth = DepthMax + 1 };

    /// <summary>Is this one JSON value, in UTF-8?</summary>
    public static bool IsJson(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty || !Utf8.IsValid(bytes))
        {
            return false;
        }
        var reader = new Utf8JsonReader(bytes, ReaderOptions);
        try
        {
            if (!reader.Read() || !reader.TrySkip())
            {
                return false;
            }
            return !reader.Read();
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>
    /// A stored value as JSON text: itself when it is JSON; text that is not as a JSON string; other bytes
    /// as a JSON string of their base64.
    /// </summary>
    public static (string Json, bool IsBase64) Show(ReadOnlySpan<byte> value)
    {
        if (IsJson(value))
        {
            return (Encoding.UTF8.GetString(value), false);
        }
        return Utf8.IsValid(value)
            ? (Quote(Encoding.UTF8.GetString(value)), false)
            : (Quote(Convert.ToBase64String(value)), true);
    }

    private static string Quote(string text) =>
        JsonSerializer.Serialize(text, SimpleApiJson.Default.String);
}
