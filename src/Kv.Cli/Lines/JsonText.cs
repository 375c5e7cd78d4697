using System.Text;
using System.Text.Json;
using Kv.Cli.Output;

namespace Kv.Cli.Lines;

/// <summary>
/// JSON as text. Values are never parsed into objects: a parsed number would lose precision.
/// </summary>
internal static class JsonText
{
    /// <summary>
    /// Deepest nesting taken for JSON here; a bound for the reader's stack, above any server's.
    /// </summary>
    private const int DepthMax = 1_000;

    /// <summary>Why the text is not one JSON value, for a person; null when it is one.</summary>
    public static string? Problem(string text)
    {
        var reader = new Utf8JsonReader(
            Encoding.UTF8.GetBytes(text), new JsonReaderOptions { MaxDepth = DepthMax });
        try
        {
            while (reader.Read())
            {
            }

            return null;
        }
        catch (JsonException error)
        {
            // The reader appends its position in words of its own; the sentence before it is enough.
            int tail = error.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
            return (tail < 0 ? error.Message : error.Message[..tail]).TrimEnd('.');
        }
    }

    public static bool IsValid(string text) => Problem(text) is null;

    /// <summary>
    /// Whether a text that is not JSON was surely meant to be: it opens like an object, array or string.
    /// </summary>
    public static bool LooksMeant(string text) => text.Length > 0 && text[0] is '{' or '[' or '"';

    /// <summary>
    /// The text as a JSON string, with nothing escaped that JSON or a terminal does not need escaped.
    /// </summary>
    public static string Quote(string text)
    {
        StringBuilder escaped = new StringBuilder(text)
            .Replace("\\", "\\\\")
            .Replace("\"", "\\\"")
            .Replace("\n", "\\n")
            .Replace("\r", "\\r")
            .Replace("\t", "\\t");
        return TerminalText.Escape($"\"{escaped}\"");
    }

    /// <summary>What a JSON string says.</summary>
    /// <exception cref="UsageException">
    /// The text is not one JSON string, or half a surrogate pair is in it.
    /// </exception>
    public static string Unquote(string json)
    {
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(json));
        try
        {
            reader.Read();
            return reader.GetString()!;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new UsageException(
                $"{json} is not a JSON string: write \\\\ for a backslash, or use single quotes.");
        }
    }

    /// <summary>
    /// The same JSON value on one line, safe for a terminal: white space that holds a line break or tab
    /// becomes one space, and characters a terminal would obey become <c>\u</c> escapes, which are the same
    /// value. Everything else stays as stored.
    /// </summary>
    public static string OneLine(string json)
    {
        if (!json.AsSpan().ContainsAny('\n', '\r', '\t'))
        {
            return TerminalText.Escape(json);
        }

        var line = new StringBuilder(json.Length);
        int at = 0;
        while (at < json.Length)
        {
            int end = at;
            while (end < json.Length && json[end] is ' ' or '\n' or '\r' or '\t')
            {
                end++;
            }

            ReadOnlySpan<char> space = json.AsSpan(at, end - at);
            line.Append(space.ContainsAny('\n', '\r', '\t') ? " " : space);
            if (end < json.Length)
            {
                // Valid JSON has no raw line break inside a string, so every run met here is insignificant.
                line.Append(json[end++]);
            }

            at = end;
        }

        return TerminalText.Escape(line.ToString());
    }
}
