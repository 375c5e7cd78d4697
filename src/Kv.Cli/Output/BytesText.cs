using Google.Protobuf;
using Kv.Cli.Etcd;
using Kv.Cli.Lines;

namespace Kv.Cli.Output;

/// <summary>
/// Bytes for a person, on one line: text as it stands if a terminal shows all of it, else base64. A key in a
/// form that, typed back, names the same key.
/// </summary>
internal readonly record struct BytesText(string Text, bool IsBase64)
{
    public static BytesText OfKey(ByteString key) =>
        EtcdBytes.TextOf(key) is { } text ? new BytesText(KeyText.Show(text), false) : Base64(key);

    /// <summary>A value; one that is JSON may lose line breaks between its parts, as with GET.</summary>
    public static BytesText OfValue(ByteString value)
    {
        if (EtcdBytes.TextOf(value) is not { } text)
        {
            return Base64(value);
        }

        return TerminalText.IsSafe(text) ? new BytesText(text, false)
            : JsonText.IsValid(text) ? new BytesText(JsonText.OneLine(text), false)
            : Base64(value);
    }

    private static BytesText Base64(ByteString bytes) => new(bytes.ToBase64(), true);
}
