namespace Kv.Cli.Lines;

/// <summary>
/// What a value on a line means, as JSON text:
/// <list type="number">
/// <item>
/// The rest of the line, when it is JSON, is the value as it stands: <c>1</c>, <c>{"a": [1, 2]}</c>.
/// </item>
/// <item>
/// Single quotes only group, as in a shell: <c>'{"a": 1}'</c> is the object, <c>'two words'</c> a string.
/// </item>
/// <item>One bare word that is not JSON is a JSON string: <c>hello</c> is <c>"hello"</c>.</item>
/// <item>
/// What opens like JSON (<c>{ [ "</c>) and is not is refused: it is a typing error more often than a text.
/// </item>
/// </list>
/// </summary>
internal static class ValueGrammar
{
    /// <summary>The value written as the rest of a line.</summary>
    /// <exception cref="UsageException">The text is no value; the message says how to write it.</exception>
    public static string FromRest(string rest)
    {
        if (JsonText.IsValid(rest))
        {
            return rest;
        }

        RefuseBrokenJson(rest);
        var scanner = new LineScanner(rest);
        scanner.TryNext(out Word word);
        if (scanner.Rest.Length > 0)
        {
            throw new UsageException(
                "a value of several words needs quotes, such as set greeting \"hello world\".");
        }

        return FromText(word.Text);
    }

    /// <summary>The value that a shell, or single quotes, has already grouped into one text.</summary>
    /// <exception cref="UsageException">The text opens like JSON and is not.</exception>
    public static string FromText(string text)
    {
        string trimmed = text.Trim();
        if (JsonText.IsValid(trimmed))
        {
            return trimmed;
        }

        RefuseBrokenJson(trimmed);
        return JsonText.Quote(text);
    }

    private static void RefuseBrokenJson(string text)
    {
        if (JsonText.LooksMeant(text))
        {
            throw new UsageException(
                $"the value begins like JSON but is not ({JsonText.Problem(text)}). "
                + $"To store it as text, write it as a JSON string: {JsonText.Quote(text)}");
        }
    }
}
