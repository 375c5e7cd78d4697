using System.Globalization;

namespace Kv.Faults;

/// <summary>What a run is to be like.</summary>
internal sealed record RunOptions
{
    public const string Usage = """
        ./test --faults [OPTIONS]   kills, freezes and cuts nodes and brokers under load, checks the answers

          --seconds S        how long to inject faults (60); longer if not every kind has happened by then
          --seed N           makes the same plan again (a new one each time)
          --brokers 1|3      brokers, of one RabbitMQ cluster (3)
          --without WHAT     cuts: no network namespaces; disks: no disk for snapshots; cuts,disks: neither
          --set NAME=VALUE   a setting for all nodes; may be repeated
          --report DIR       where report, history and logs go (artifacts/faults)
        """;

    /// <summary>Time to inject faults, 1 s to one day.</summary>
    public int Seconds { get; init; } = 60;

    public int Seed { get; init; } = Random.Shared.Next();

    /// <summary>1 or 3.</summary>
    public int Brokers { get; init; } = 3;

    /// <summary>Cut links, which takes network namespaces.</summary>
    public bool Cuts { get; init; } = true;

    /// <summary>Fill and slow down a node's disk, which takes a loop device.</summary>
    public bool Disks { get; init; } = true;

    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    public string ReportDirectory { get; init; } = Path.Combine("artifacts", "faults");

    /// <exception cref="ArgumentException">
    /// An option that is unknown, incomplete or out of bounds.
    /// </exception>
    public static RunOptions Parse(string[] arguments)
    {
        var options = new RunOptions();
        Dictionary<string, string> settings = [];
        for (int i = 0; i < arguments.Length; i += 2)
        {
            string name = arguments[i];
            string value = i + 1 < arguments.Length
                ? arguments[i + 1]
                : throw new ArgumentException($"{name} is unknown, or needs a value.");
            options = name switch
            {
                "--seconds" => options with { Seconds = Number(name, value, 1, 86_400) },
                "--seed" => options with { Seed = Number(name, value, 0, int.MaxValue) },
                "--brokers" when value is "1" or "3" => options with { Brokers = value[0] - '0' },
                "--without" => Without(options, value),
                "--report" => options with { ReportDirectory = value },
                "--set" when value.IndexOf('=') is > 0 and var at =>
                    Set(options, value[..at], value[(at + 1)..]),
                _ => throw new ArgumentException($"{name} {value} is not allowed."),
            };
        }
        return options with { Settings = settings };

        RunOptions Set(RunOptions unchanged, string setting, string to)
        {
            settings[setting] = to;
            return unchanged;
        }
    }

    /// <summary>The command that makes this run's plan again.</summary>
    public override string ToString()
    {
        string without = (Cuts, Disks) switch
        {
            (false, false) => " --without cuts,disks",
            (false, true) => " --without cuts",
            (true, false) => " --without disks",
            _ => "",
        };
        string settings = string.Concat(Settings.Select(static set => $" --set {set.Key}={set.Value}"));
        return $"./test --faults --seconds {Seconds} --seed {Seed} --brokers {Brokers}{without}{settings}";
    }

    private static RunOptions Without(RunOptions options, string value)
    {
        foreach (string what in value.Split(','))
        {
            options = what switch
            {
                "cuts" => options with { Cuts = false },
                "disks" => options with { Disks = false },
                _ => throw new ArgumentException($"--without {what} is not allowed."),
            };
        }
        return options;
    }

    private static int Number(string name, string text, int min, int max) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            && number >= min
            && number <= max
            ? number
            : throw new ArgumentException($"{name} must be {min} to {max}, not {text}.");
}
