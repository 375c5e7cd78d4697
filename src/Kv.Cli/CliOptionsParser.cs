using System.Globalization;
using Kv.Cli.Calls;
using Kv.Cli.Lines;

namespace Kv.Cli;

/// <summary>
/// Reads the process arguments. Options may stand anywhere until <c>--</c>; the other words are the command.
/// Written by hand: System.CommandLine added 40 to 60 ms to a start that takes 30 (measured).
/// </summary>
internal static class CliOptionsParser
{
    private const string TargetVariable = "KV_TARGET";
    private const string UserVariable = "KV_USER";

    /// <param name="arguments">As the process got them.</param>
    /// <param name="environment">Looks up a variable; null when it is not set.</param>
    /// <exception cref="UsageException">
    /// The arguments are not understood; the message says what to write.
    /// </exception>
    public static CliOptions Parse(IReadOnlyList<string> arguments, Func<string, string?> environment)
    {
        var taken = new Taken();
        List<string> command = [];
        for (int at = 0; at < arguments.Count; at++)
        {
            if (arguments[at] == "--")
            {
                command.AddRange(arguments.Skip(at));
                break;
            }

            if (command.Count > 0
                && CommandParser.IsLock(command[0])
                && LockLine.CommandAt([.. command.Append(arguments[at]).Skip(1).Select(Word.Bare)]) >= 0)
            {
                // The options of the command that runs under the lock are its own.
                command.AddRange(arguments.Skip(at));
                break;
            }

            if (!taken.TryTake(arguments, ref at))
            {
                command.Add(arguments[at]);
            }
        }

        if (taken.Options.ShowHelp || taken.Options.ShowVersion)
        {
            return taken.Options;
        }

        return taken.Options with
        {
            Targets = TargetAddress.ParseMany(
                taken.Targets.Count > 0 ? taken.Targets : [DefaultTarget(environment)]),
            User = taken.Options.User ?? (environment(UserVariable) is { Length: > 0 } user ? user : null),
            Command = command.Count > 0 ? ParseCommand(command) : null,
        };
    }

    /// <summary>
    /// Whether the caller wants JSON, as far as can be told from arguments that do not parse: their error is
    /// to be JSON too.
    /// </summary>
    public static bool WantsJson(IReadOnlyList<string> arguments) =>
        arguments.Contains("--output=json")
        || arguments.Zip(arguments.Skip(1)).Any(pair => pair is { First: "--output", Second: "json" });

    private static Commands.Command ParseCommand(List<string> words)
    {
        if (words[0] == "--")
        {
            words.RemoveAt(0);
        }

        if (words.Count == 0)
        {
            throw new UsageException("a command is missing after --: see kv --help.");
        }

        return words[0].StartsWith('-')
            ? throw new UsageException($"unknown option {words[0]}: see kv --help.")
            : CommandParser.ParseArguments(words);
    }

    private static string DefaultTarget(Func<string, string?> environment) =>
        environment(TargetVariable) is { Length: > 0 } target ? target : CliOptions.TargetDefault;

    /// <summary>What has been understood so far.</summary>
    private sealed class Taken
    {
        public CliOptions Options { get; private set; } = new() { Targets = [] };

        public List<string> Targets { get; } = [];

        /// <summary>
        /// Takes the option at the place, and its value; false when it is no option of the process.
        /// </summary>
        public bool TryTake(IReadOnlyList<string> arguments, ref int at)
        {
            string argument = arguments[at];
            int equals = argument.StartsWith("--", StringComparison.Ordinal) ? argument.IndexOf('=') : -1;
            string name = equals < 0 ? argument : argument[..equals];
            if (name is "--target" or "--output" or "--timeout" or "--user")
            {
                if (equals < 0 && at + 1 == arguments.Count)
                {
                    throw new UsageException($"{name} needs a value: see kv --help.");
                }

                SetValue(name, equals < 0 ? arguments[++at] : argument[(equals + 1)..]);
                return true;
            }

            return TrySetFlag(argument);
        }

        private bool TrySetFlag(string name)
        {
            CliOptions? changed = name switch
            {
                "--keep-going" => Options with { KeepGoing = true },
                "--help" or "-h" => Options with { ShowHelp = true },
                "--version" => Options with { ShowVersion = true },
                _ => null,
            };
            Options = changed ?? Options;
            return changed is not null;
        }

        private void SetValue(string name, string value)
        {
            if (name == "--target")
            {
                Targets.Add(value);
                return;
            }

            Options = name switch
            {
                "--output" => Options with { Output = ParseOutput(value) },
                "--user" => Options with { User = value },
                _ => Options with { Timeout = ParseTimeout(value) },
            };
        }

        private static OutputFormat ParseOutput(string value) => value switch
        {
            "text" => OutputFormat.Text,
            "json" => OutputFormat.Json,
            _ => throw new UsageException($"--output {value} is unknown: give text or json."),
        };

        private static TimeSpan ParseTimeout(string value)
        {
            bool number = double.TryParse(
                value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double seconds);
            return number && seconds is >= 0.001 and <= CliOptions.TimeoutSecondsMax
                ? TimeSpan.FromSeconds(seconds)
                : throw new UsageException(
                    $"--timeout {value} is out of range: give seconds from 0.001 to "
                    + $"{CliOptions.TimeoutSecondsMax}, such as 2.5.");
        }
    }
}
