using System.Globalization;
using System.Text;

namespace Kv.Cli.Output;

/// <summary>Text from a server, made harmless for a terminal.</summary>
internal static class TerminalText
{
    /// <summary>
    /// Replaces what a terminal would obey instead of show (control characters, direction overrides, line
    /// separators) and what is no text (lone surrogates) by <c>\uXXXX</c>.
    /// </summary>
    public static string Escape(string text)
    {
        int first = FirstUnsafe(text);
        if (first < 0)
        {
            return text;
        }

        var safe = new StringBuilder(text.Length + 16).Append(text, 0, first);
        for (int at = first; at < text.Length; at++)
        {
            if (char.IsSurrogatePair(text, at))
            {
                safe.Append(text, at++, 2);
            }
            else if (IsUnsafe(text[at]))
            {
                safe.Append(CultureInfo.InvariantCulture, $"\\u{(int)text[at]:x4}");
            }
            else
            {
                safe.Append(text[at]);
            }
        }

        return safe.ToString();
    }

    public static bool IsSafe(string text) => FirstUnsafe(text) < 0;

    private static int FirstUnsafe(string text)
    {
        for (int at = 0; at < text.Length; at++)
        {
            if (char.IsSurrogatePair(text, at))
            {
                at++;
            }
            else if (IsUnsafe(text[at]))
            {
                return at;
            }
        }

        return -1;
    }

    private static bool IsUnsafe(char c) =>
        char.IsControl(c)
        || char.IsSurrogate(c)
        || c is '\u061c' or '\u200e' or '\u200f' or '\ufeff'
        || c is (>= '\u2028' and <= '\u202e') or (>= '\u2066' and <= '\u2069');
}
