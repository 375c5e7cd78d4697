using System.Diagnostics;
using Kv.Cli.Calls;
using Kv.Cli.Commands;
using Kv.Cli.Output;
using Kv.Core.Snapshots;
using Kv.Core.Store;
using Kv.Files;
using Genesis = Kv.Core.Entries.Genesis;

namespace Kv.Cli.Snapshots;

/// <summary>Saves snapshots of nodes, looks into files, and makes data directories of them.</summary>
internal sealed class SnapshotCommands(TargetSet targets, IOutput output)
{
    /// <summary>Runs one command and shows what came of it.</summary>
    public async Task<ExitCode> RunAsync(
        Command.Snapshot command, int? lineNumber, CancellationToken interrupt)
    {
        Failure failure;
        try
        {
            (SnapshotReport? report, IReadOnlyList<CallFailure> failures) = await ReportAsync(
                command, interrupt);
            if (report is not null)
            {
                output.Show(report, lineNumber);
                return ExitCode.Ok;
            }
            failure = FailureText.Describe(command, failures);
        }
        catch (SnapshotException unusable)
        {
            failure = new Failure(
                ExitCode.BadSnapshot,
                $"{command.File} cannot be used ({unusable.Fault}): {unusable.Message}");
        }
        catch (Exception local) when (local is IOException or UnauthorizedAccessException)
        {
            failure = new Failure(ExitCode.File, $"{command.Verb}: {local.Message}");
        }
        catch (OperationCanceledException) when (interrupt.IsCancellationRequested)
        {
            failure = new Failure(ExitCode.Interrupted, $"{command.Verb} interrupted.");
        }

        output.Fail(failure with { LineNumber = lineNumber });
        return failure.Exit;
    }

    private async Task<(SnapshotReport? Report, IReadOnlyList<CallFailure> Failures)> ReportAsync(
        Command.Snapshot command, CancellationToken interrupt) => command switch
        {
            Command.SnapshotSave save => await SaveAsync(save, interrupt),
            Command.SnapshotStatus status => (
                new SnapshotReport(command, await SnapshotReading.VerifyAsync(status.File, interrupt)), []),
            Command.SnapshotRestore restore => (await RestoreAsync(restore, interrupt), []),
            _ => throw new UnreachableException($"No way to run {command.Verb}."),
        };

    private async Task<(SnapshotReport? Report, IReadOnlyList<CallFailure> Failures)> SaveAsync(
        Command.SnapshotSave save, CancellationToken interrupt) => await targets.AskAsync<SnapshotReport>(
            isWrite: false,
            async (channel, options) =>
            {
                var export = new SnapshotExport(channel, targets.Timeout, options.CancellationToken);
                SnapshotSummary summary = await SnapshotReading.SaveAsync(
                    save.File, export.ReadAsync(save.HaltedToo), options.CancellationToken);
                return new SnapshotReport(save, summary)
                {
                    Node = export.Node,
                    IsOfHaltedNode = export.IsOfHaltedNode,
                };
            },
            interrupt);

    private static async Task<SnapshotReport> RestoreAsync(
        Command.SnapshotRestore restore, CancellationToken interrupt)
    {
        string directory = Path.GetFullPath(restore.DataDirectory);
        BaseDirectory.ThrowUnlessEmpty(directory);
        (KeyValueStore store, SnapshotSummary summary) = await SnapshotReading.LoadAsync(
            restore.File, interrupt);
        Genesis genesis = await BaseDirectory.CreateAsync(directory, store, restore.ClusterSize, interrupt);
        return new SnapshotReport(restore, summary) { NewCluster = genesis };
    }
}
