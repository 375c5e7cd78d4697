using Kv.Cli.Calls;
using Kv.Cli.Commands;

namespace Kv.Cli;

internal enum OutputFormat
{
    Text,
    Json,
}

/// <summary>What the command line asks for.</summary>
internal sealed record CliOptions
{
    public const string TargetDefault = "localhost:50051";
    public const double TimeoutSecondsDefault = 5;

    /// <summary>Longest timeout taken, seconds: beyond an hour a caller wants a loop.</summary>
    public const double TimeoutSecondsMax = 3_600;

    /// <summary>Nodes in the order they are tried. Never empty.</summary>
    public required IReadOnlyList<TargetAddress> Targets { get; init; }

    public OutputFormat Output { get; init; }

    /// <summary>Longest wait for one answer of one node.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(TimeoutSecondsDefault);

    /// <summary>NAME or NAME:PASSWORD; null: nobody is named.</summary>
    public string? User { get; init; }

    /// <summary>Whether commands from a pipe go on after a failed one.</summary>
    public bool KeepGoing { get; init; }

    public bool ShowHelp { get; init; }

    public bool ShowVersion { get; init; }

    /// <summary>The command to run once; null to read commands from the terminal or a pipe.</summary>
    public Command? Command { get; init; }
}
