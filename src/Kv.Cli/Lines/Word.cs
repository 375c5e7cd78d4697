namespace Kv.Cli.Lines;

/// <summary>How a word of a line was written.</summary>
internal enum Quoting
{
    Bare,
    Single,
    Double,
}

/// <summary>One word: its text with quotes and escapes resolved. Only a bare word can be an option.</summary>
internal readonly record struct Word(string Text, Quoting Quoting)
{
    public static Word Bare(string text) => new(text, Quoting.Bare);

    public bool IsOption => Quoting == Quoting.Bare && Text.StartsWith("--", StringComparison.Ordinal);
}
