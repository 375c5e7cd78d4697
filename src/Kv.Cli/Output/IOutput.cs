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

    /// <summary>A command that runs until Ctrl-C has begun: a person is told how to end it.</summary>
    void Begun(Command command);

    /// <summary>Such a command has ended with Ctrl-C, as it is meant to.</summary>
    void Ended(Command command);

    void Fail(Failure failure);

    /// <summary>Tells what is no result and no failure, on standard error.</summary>
    /// <param name="text">A sentence. Not yet safe for a terminal.</param>
    void Note(string text);

    /// <summary>The commands and the rules for writing them.</summary>
    void Help();
}
