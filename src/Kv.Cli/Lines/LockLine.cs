namespace Kv.Cli.Lines;

/// <summary>
/// The words of <c>lock NAME [COMMAND ARG...]</c>: from COMMAND on nothing is an option of ours. Pure.
/// </summary>
internal static class LockLine
{
    /// <param name="words">Those behind the verb.</param>
    /// <returns>Where COMMAND, or a <c>--</c> before it, stands; negative: there is none yet.</returns>
    public static int CommandAt(IReadOnlyList<Word> words)
    {
        bool named = false;
        for (int at = 0; at < words.Count; at++)
        {
            if (words[at] is { IsOption: true, Text: "--" })
            {
                return at;
            }

            if (words[at].IsOption)
            {
                at += CommandOptions.TakesValue(words[at].Text) ? 1 : 0;
            }
            else if (named)
            {
                return at;
            }
            else
            {
                named = true;
            }
        }

        return -1;
    }

    /// <summary>The same words, where no option of COMMAND can be taken for one of ours.</summary>
    public static IReadOnlyList<Word> Guard(IReadOnlyList<Word> words) => CommandAt(words) is var at and >= 0
        && words[at] is not { IsOption: true, Text: "--" }
            ? [.. words.Take(at), Word.Bare("--"), .. words.Skip(at)]
            : words;
}
