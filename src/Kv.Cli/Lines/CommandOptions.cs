namespace Kv.Cli.Lines;

/// <summary>
/// The words after a command's name: options by name, the others by place. Each taken word is used up, so
/// that <see cref="RefuseRest"/> finds what nobody asked for.
/// </summary>
internal sealed class CommandOptions
{
    private readonly string _verb;
    private readonly List<Word> _options = [];
    private readonly Dictionary<string, string> _values = [];
    private readonly Queue<Word> _positional = [];

    /// <exception cref="UsageException">An option that takes a value has none.</exception>
    public CommandOptions(string verb, IReadOnlyList<Word> words)
    {
        _verb = verb.ToLowerInvariant();
        bool onlyPositional = false;
        for (int at = 0; at < words.Count; at++)
        {
            Word word = words[at];
            if (onlyPositional || !word.IsOption)
            {
                _positional.Enqueue(word);
            }
            else if (word.Text == "--")
            {
                onlyPositional = true;
            }
            else if (TakesValue(word.Text))
            {
                _values[word.Text] = ++at < words.Count
                    ? words[at].Text
                    : throw new UsageException($"{word.Text} needs a value.");
            }
            else if (word.Text.IndexOf('=') is var equals and > 0)
            {
                _values[word.Text[..equals]] = word.Text[(equals + 1)..];
            }
            else
            {
                _options.Add(word);
            }
        }
    }

    /// <summary>Whether the word behind the option belongs to it.</summary>
    public static bool TakesValue(string option) => option is
        "--limit" or "--after" or "--data-dir" or "--cluster-size"
        or "--rev" or "--lease" or "--id" or "--order" or "--sort-by" or "--ttl" or "--request-id";

    /// <summary>The one key a command is about.</summary>
    /// <exception cref="UsageException">There is none.</exception>
    public string Key() => _positional.TryDequeue(out Word key)
        ? key.Text
        : throw new UsageException($"{_verb} needs a key, such as {_verb} greeting.");

    /// <exception cref="UsageException">The word is missing.</exception>
    public string Word(string missing) => _positional.TryDequeue(out Word word)
        ? word.Text
        : throw new UsageException(missing);

    public string OptionalWord() => _positional.TryDequeue(out Word word) ? word.Text : "";

    public bool TakeFlag(string name) => _options.RemoveAll(option => option.Text == name) > 0;

    public string? TakeValue(string name) => _values.Remove(name, out string? value) ? value : null;

    /// <summary>The words by place that are left.</summary>
    public IReadOnlyList<Word> TakeWords()
    {
        IReadOnlyList<Word> words = [.. _positional];
        _positional.Clear();
        return words;
    }

    /// <summary>All words by place.</summary>
    /// <exception cref="UsageException">There are options.</exception>
    public IReadOnlyList<Word> TakePositional()
    {
        IReadOnlyList<Word> positional = TakeWords();
        RefuseRest();
        return positional;
    }

    /// <exception cref="UsageException">Words are left that the command has no use for.</exception>
    public void RefuseRest()
    {
        string? option = _options.Select(word => word.Text).Concat(_values.Keys).FirstOrDefault();
        if (option is not null)
        {
            throw new UsageException(
                $"{_verb} has no option {KeyText.Show(option).Trim('"')}: "
                + "HELP lists them; put -- before a word that only looks like an option.");
        }

        if (_positional.TryDequeue(out Word word))
        {
            throw new UsageException(
                $"{_verb} has no use for {KeyText.Show(word.Text)}: put a key with spaces in quotes.");
        }
    }
}
