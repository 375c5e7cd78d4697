using Grpc.Core;
using Kv.Cli.Calls;

namespace Kv.Cli.Output;

/// <summary>What is told of a command that failed.</summary>
/// <param name="Exit">The process's exit code, when this ends it.</param>
/// <param name="Message">One sentence: what happened and what to try. Not yet safe for a terminal.</param>
internal sealed record Failure(ExitCode Exit, string Message)
{
    /// <summary>The last gRPC status; null when nothing was sent.</summary>
    public StatusCode? Code { get; init; }

    /// <summary>What was tried, in order.</summary>
    public IReadOnlyList<CallFailure> Attempts { get; init; } = [];

    /// <summary>The line of the script, from 1; null outside one.</summary>
    public int? LineNumber { get; init; }

    public static Failure Usage(UsageException error, int? lineNumber = null) =>
        new(ExitCode.Usage, error.Message) { LineNumber = lineNumber };
}
