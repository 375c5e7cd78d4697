using System.Globalization;
using Kv.Cli.Commands;

namespace Kv.Cli.Lines;

/// <summary>From words to a command. Pure: the same words give the same command.</summary>
internal static class CommandParser
{
    /// <summary>Reads one line as typed; null when it is blank or a comment (<c>#</c>).</summary>
    /// <exception cref="UsageException">
    /// The line is no command; the message says what to write instead.
    /// </exception>
    public static Command? ParseLine(string line)
    {
        if (line.AsSpan().TrimStart() is "" or ['#', ..])
        {
            return null;
        }

        var scanner = new LineScanner(line);
        scanner.TryNext(out Word verb);
        if (!IsSet(verb.Text))
        {
            return Parse(verb.Text, scanner.TakeAll());
        }

        if (!scanner.TryNext(out Word key) || scanner.Rest.Length == 0)
        {
            throw SetNeedsValue();
        }

        return new Command.Set(key.Text, ValueGrammar.FromRest(scanner.Rest));
    }

    /// <summary>Reads a command that a shell has already split into words.</summary>
    /// <exception cref="UsageException">As <see cref="ParseLine"/>.</exception>
    public static Command ParseArguments(IReadOnlyList<string> arguments)
    {
        IReadOnlyList<Word> words = [.. arguments.Skip(1).Select(Word.Bare)];
        return IsSet(arguments[0]) ? SetFromWords(words) : Parse(arguments[0], words);
    }

    private static Command Parse(string verb, IReadOnlyList<Word> words)
    {
        var options = new CommandOptions(verb, IsLock(verb) ? LockLine.Guard(words) : words);
        Command command = EtcdParser.TryParse(verb, options) ?? verb.ToUpperInvariant() switch
        {
            "GET" => new Command.Get(options.Key(), options.TakeFlag("--local")),
            "DEL" => new Command.Del(options.Key()),
            "PRINT" => new Command.Print(
                options.OptionalWord(),
                options.TakeValue("--after") ?? "",
                KeysMax(options.TakeValue("--limit")),
                options.TakeFlag("--local")),
            "STATUS" => new Command.Status(),
            "CLUSTER-SIZE" => new Command.SetClusterSize(Members(options.OptionalWord())),
            "SNAPSHOT" => Snapshot(options),
            "HELP" => new Command.Help(),
            "EXIT" or "QUIT" => new Command.Exit(),
            _ => throw new UsageException(
                $"unknown command {KeyText.Show(verb)}: "
                + "the commands are SET, GET, DEL, PRINT, PUT, RANGE, TXN, WATCH, LEASE, LOCK, COMPACT, "
                + "STATUS, CLUSTER-SIZE, SNAPSHOT, HELP and EXIT."),
        };
        options.RefuseRest();
        return command;
    }

    private static Command.Set SetFromWords(IReadOnlyList<Word> words)
    {
        IReadOnlyList<Word> positional = new CommandOptions("set", words).TakePositional();
        return positional.Count switch
        {
            2 => new Command.Set(positional[0].Text, ValueGrammar.FromText(positional[1].Text)),
            < 2 => throw SetNeedsValue(),
            _ => throw new UsageException(
                "set takes one key and one value: quote the value for the shell, "
                + "such as kv set greeting 'hello world'."),
        };
    }

    private static Command.Snapshot Snapshot(CommandOptions options)
    {
        const string Missing = "snapshot needs save, status or restore, and a file: see kv --help.";
        string verb = options.Word(Missing);
        string file = options.Word(Missing);
        return verb.ToUpperInvariant() switch
        {
            "SAVE" => new Command.SnapshotSave(file, options.TakeFlag("--halted")),
            "STATUS" => new Command.SnapshotStatus(file),
            "RESTORE" => new Command.SnapshotRestore(
                file,
                options.TakeValue("--data-dir") is { Length: > 0 } directory
                    ? directory
                    : throw new UsageException("snapshot restore needs --data-dir DIR, a new directory."),
                ClusterSize(options.TakeValue("--cluster-size"))),
            _ => throw new UsageException($"unknown command snapshot {KeyText.Show(verb)}: {Missing}"),
        };
    }

    private static int? ClusterSize(string? text)
    {
        const int ClusterSizeMax = 99;
        if (text is null)
        {
            return null;
        }

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int size)
            && size is >= 1 and <= ClusterSizeMax
            ? size
            : throw new UsageException($"--cluster-size {text} is not a number from 1 to {ClusterSizeMax}.");
    }

    private static long KeysMax(string? text)
    {
        if (text is null)
        {
            return 0;
        }

        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long keys) && keys > 0
            ? keys
            : throw new UsageException($"--limit {text} is not a whole number of keys from 1.");
    }

    private static int Members(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int members)
            ? members
            : throw new UsageException("cluster-size needs a number of members, such as cluster-size 3.");

    /// <summary>Whether the words behind the verb may hold a command that is not ours.</summary>
    public static bool IsLock(string verb) => verb.Equals("LOCK", StringComparison.OrdinalIgnoreCase);

    private static bool IsSet(string verb) => verb.Equals("SET", StringComparison.OrdinalIgnoreCase);

    private static UsageException SetNeedsValue() =>
        new("set needs a key and a value, such as set greeting hello.");
}
