using Kv.Cli.Lines;

namespace Kv.Cli.Interactive;

/// <summary>What may stand in place of the word the cursor is behind.</summary>
/// <param name="Start">Where that word begins in the line.</param>
/// <param name="Candidates">Whole words, best first; empty when nothing fits.</param>
internal sealed record Completion(int Start, IReadOnlyList<string> Candidates);

/// <summary>
/// Finds completions: a command first, then the command's options and keys used before. Pure.
/// </summary>
internal static class Completer
{
    public static IReadOnlyList<string> Verbs { get; } =
    [
        "set", "get", "del", "print", "put", "range", "txn", "watch", "lease", "lock", "compact", "status",
        "cluster-size", "snapshot", "help", "exit", "quit",
    ];

    private static readonly string[] PutOptions =
        ["--lease", "--prev-kv", "--ignore-value", "--ignore-lease", "--base64", "--request-id"];

    private static readonly string[] RangeOptions =
    [
        "--prefix", "--from-key", "--limit", "--rev", "--keys-only", "--count-only", "--order", "--sort-by",
        "--serializable", "--base64",
    ];

    private static readonly string[] WatchOptions =
        ["--prefix", "--from-key", "--rev", "--prev-kv", "--progress", "--base64"];

    /// <param name="line">The line up to the cursor.</param>
    /// <param name="recentKeys">Keys to offer, best first.</param>
    public static Completion Complete(string line, IEnumerable<string> recentKeys)
    {
        (int index, int start) = LastWord(line);
        string typed = line[start..];
        if (index == 0)
        {
            bool upper = typed.Length > 0 && typed.All(char.IsUpper);
            return new Completion(start, [.. Verbs
                .Where(verb => verb.StartsWith(typed, StringComparison.OrdinalIgnoreCase))
                .Select(verb => upper ? verb.ToUpperInvariant() : verb)]);
        }

        string verb = line.Split((char[]?)null, 2, StringSplitOptions.RemoveEmptyEntries)[0];
        return verb.ToUpperInvariant() switch
        {
            "SET" or "DEL" when index == 1 => new Completion(start, Keys(typed, recentKeys)),
            "GET" => new Completion(start, index == 1 ? Keys(typed, recentKeys) : Options(typed, "--local")),
            "PRINT" => new Completion(start, typed.StartsWith('-') || index > 1
                ? Options(typed, "--limit", "--after", "--local")
                : Keys(typed, recentKeys)),
            "PUT" => KeyOr(index, start, typed, recentKeys, PutOptions),
            "RANGE" => KeyOr(index, start, typed, recentKeys, RangeOptions),
            "WATCH" => KeyOr(index, start, typed, recentKeys, WatchOptions),
            "LEASE" => new Completion(start, index == 1
                ? Options(typed, "grant", "revoke", "keep-alive", "ttl", "list")
                : Options(typed, "--id", "--once", "--keys", "--request-id")),
            "LOCK" when index > 1 => new Completion(start, Options(typed, "--ttl")),
            "TXN" => new Completion(start, Options(typed, "--request-id")),
            "COMPACT" when index > 1 => new Completion(start, Options(typed, "--physical", "--request-id")),
            "SNAPSHOT" when index == 1 => new Completion(start, Options(typed, "save", "status", "restore")),
            _ => new Completion(start, []),
        };
    }

    private static Completion KeyOr(
        int index, int start, string typed, IEnumerable<string> recentKeys, string[] options) =>
        new(start, typed.StartsWith('-') || index > 1 ? Options(typed, options) : Keys(typed, recentKeys));

    private static IReadOnlyList<string> Options(string typed, params string[] options) =>
        [.. options.Where(option => option.StartsWith(typed, StringComparison.Ordinal))];

    private static IReadOnlyList<string> Keys(string typed, IEnumerable<string> keys) =>
        [.. keys
            .Select(key => (Key: key, Shown: KeyText.Show(key)))
            .Where(key => key.Shown.StartsWith(typed, StringComparison.Ordinal)
                || key.Key.StartsWith(typed, StringComparison.Ordinal))
            .Select(key => key.Shown)];

    /// <summary>The place of the last word among the words, and where it begins; it may be empty.</summary>
    private static (int Index, int Start) LastWord(string line)
    {
        int index = -1;
        int start = 0;
        char? quote = null;
        bool inWord = false;
        for (int at = 0; at < line.Length; at++)
        {
            if (!inWord && !char.IsWhiteSpace(line[at]))
            {
                (index, start, inWord) = (index + 1, at, true);
                quote = line[at] is '"' or '\'' ? line[at] : null;
            }
            else if (inWord && quote is null && char.IsWhiteSpace(line[at]))
            {
                inWord = false;
            }
            else if (quote == '"' && line[at] == '\\')
            {
                at++;
            }
            else if (inWord && line[at] == quote)
            {
                quote = null;
            }
        }

        return inWord ? (index, start) : (index + 1, line.Length);
    }
}
