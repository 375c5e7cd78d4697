using Kv.Cli.Output;

namespace Kv.Cli.Lines;

/// <summary>A key as it is shown: in a form that, typed back, names the same key.</summary>
internal static class KeyText
{
    public static string Show(string key) => IsBareWord(key) ? key : JsonText.Quote(key);

    private static bool IsBareWord(string key) =>
        key.Length > 0
        && key[0] is not ('"' or '\'')
        && !Word.Bare(key).IsOption
        && !key.Any(char.IsWhiteSpace)
        && TerminalText.IsSafe(key);
}
