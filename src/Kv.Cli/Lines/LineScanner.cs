namespace Kv.Cli.Lines;

/// <summary>
/// Takes words from the front of a line. A quote counts only where a word begins (so <c>it's</c> is one
/// bare word) and must close before white space. Single quotes take everything literally; double quotes
/// hold a JSON string.
/// </summary>
internal sealed class LineScanner(string line)
{
    private int _at;

    /// <summary>What has not been taken yet, without white space around it.</summary>
    public string Rest => line[_at..].Trim();

    /// <exception cref="UsageException">
    /// A quote is not closed, or what it closes is no JSON string.
    /// </exception>
    public bool TryNext(out Word word)
    {
        while (_at < line.Length && char.IsWhiteSpace(line[_at]))
        {
            _at++;
        }

        if (_at == line.Length)
        {
            word = default;
            return false;
        }

        word = line[_at] switch
        {
            '\'' => NextSingleQuoted(),
            '"' => NextDoubleQuoted(),
            _ => NextBare(),
        };
        return true;
    }

    /// <exception cref="UsageException">As <see cref="TryNext"/>.</exception>
    public IReadOnlyList<Word> TakeAll()
    {
        List<Word> words = [];
        while (TryNext(out Word word))
        {
            words.Add(word);
        }

        return words;
    }

    private Word NextBare()
    {
        int start = _at;
        while (_at < line.Length && !char.IsWhiteSpace(line[_at]))
        {
            _at++;
        }

        return Word.Bare(line[start.._at]);
    }

    private Word NextSingleQuoted()
    {
        int close = line.IndexOf('\'', _at + 1);
        string text = Enclosed(close, "'");
        return new Word(text, Quoting.Single);
    }

    private Word NextDoubleQuoted()
    {
        int start = _at;
        int close = _at + 1;
        while (close < line.Length && line[close] != '"')
        {
            close += line[close] == '\\' ? 2 : 1;
        }

        Enclosed(close < line.Length ? close : -1, "\"");
        string json = line[start..(close + 1)];
        return new Word(JsonText.Unquote(json), Quoting.Double);
    }

    /// <summary>The text up to the closing quote; moves behind it.</summary>
    private string Enclosed(int close, string quote)
    {
        if (close < 0)
        {
            throw new UsageException($"the quote {quote} is not closed: add a closing {quote}.");
        }

        if (close + 1 < line.Length && !char.IsWhiteSpace(line[close + 1]))
        {
            throw new UsageException($"a space is missing after the closing {quote}.");
        }

        string text = line[(_at + 1)..close];
        _at = close + 1;
        return text;
    }
}
