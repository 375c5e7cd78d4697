using Kv.Cli.Commands;
using Kv.Cli.Snapshots;

namespace Kv.Cli.Output;

/// <summary>
/// Where results go: replies to standard output, everything else to standard error. Each call is written
/// through at once. One thread at a time.
/// </summary>
internal interface IOutput
{
    /// <param name="answer">What came back.</param>
    /// <param name="lineNumber">The command's line in a script, from 1; null outside one.</param>
    void Show(Answer answer, int? lineNumber);

    /// <param name="report">What came of a command on a snapshot.</param>
    /// <param name="lineNumber">As above.</param>
    void Show(SnapshotReport report, int? lineNumber);

    void Fail(Failure failure);

    /// <summary>The commands and the rules for writing them.</summary>
    void Help();
}
