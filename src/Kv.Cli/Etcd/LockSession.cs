using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Grpc.Core;
using Kv.Cli.Calls;
using Kv.Cli.Commands;
using Kv.Cli.Output;
using Kv.Protos.Etcd;

namespace Kv.Cli.Etcd;

/// <summary>
/// Holds a lock while a program runs, or until interrupted. The lock lives on a lease that is renewed
/// meanwhile; it goes with the lease, whatever becomes of this process.
/// </summary>
internal sealed class LockSession(
    TargetSet targets, IOutput output, Command.Lock command, int? lineNumber)
{
    /// <summary>What the program finds in its environment.</summary>
    private const string KeyVariable = "KV_LOCK_KEY";

    private const string RevisionVariable = "KV_LOCK_REVISION";

    /// <summary>What shells say of a program that is not there, and of one that cannot be run.</summary>
    private const int NoProgramExit = 127;

    public async Task<ExitCode> RunAsync(CancellationToken interrupt)
    {
        // A process that is asked to end leaves the lock behind as free.
        using var terminated = new CancellationTokenSource();
        using var signal = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            terminated.Cancel();
        });
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(interrupt, terminated.Token);
        // Repeated where it is not answered: a lease that nobody uses ends by itself.
        (LeaseGrantResponse? lease, IReadOnlyList<CallFailure> failures) = await targets.AskAsync(
            isWrite: false,
            async (channel, options) => await new Lease.LeaseClient(channel).LeaseGrantAsync(
                new LeaseGrantRequest { TTL = command.TtlSeconds }, options),
            stop.Token);
        if (lease is null)
        {
            return Fail(FailureText.Describe(command, failures));
        }

        using var lost = new CancellationTokenSource();
        using var released = new CancellationTokenSource();
        using TargetSet beside = targets.Fork();
        Task keeping = KeepAsync(beside, lease.ID, lost, released.Token);
        try
        {
            using var given = CancellationTokenSource.CreateLinkedTokenSource(stop.Token, lost.Token);
            return await HoldAsync(lease.ID, given.Token, terminated.Token, lost.Token);
        }
        finally
        {
            await released.CancelAsync();
            await keeping;
            await ReleaseAsync(lease.ID);
        }
    }

    private static async Task KeepAsync(
        TargetSet beside, long lease, CancellationTokenSource lost, CancellationToken released)
    {
        await LeaseKeeper.KeepAsync(
            beside,
            lease,
            once: false,
            (_, left) => lost.CancelAfter(left > TimeSpan.Zero ? left : TimeSpan.Zero),
            released);
        if (!released.IsCancellationRequested)
        {
            await lost.CancelAsync();
        }
    }

    /// <summary>Waits for the lock, and then for what ends it.</summary>
    /// <param name="lease">What the lock lives on.</param>
    /// <param name="end">The user's wish, or the lock's loss.</param>
    /// <param name="terminated">SIGTERM, of which a program that runs knows nothing.</param>
    /// <param name="lost">The lock's loss.</param>
    private async Task<ExitCode> HoldAsync(
        long lease, CancellationToken end, CancellationToken terminated, CancellationToken lost)
    {
        // The same name on the same lease is the same lock: it may be asked for again elsewhere.
        (KeyValue? held, IReadOnlyList<CallFailure> failures) = await targets.AskAsync(
            isWrite: false, (channel, options) => AcquireAsync(channel, lease, options), end);
        if (lost.IsCancellationRequested)
        {
            return Fail(Lost());
        }

        if (held is null)
        {
            return Fail(FailureText.Describe(command, failures));
        }

        if (command.Program.Count > 0)
        {
            return await RunProgramAsync(held, terminated, lost);
        }

        output.Show(new Answer(command, held, targets.Current), lineNumber);
        output.Begun(command);
        await EndOf(end);
        if (lost.IsCancellationRequested)
        {
            return Fail(Lost());
        }

        output.Ended(command);
        return ExitCode.Ok;
    }

    private async Task<KeyValue> AcquireAsync(ChannelBase channel, long lease, CallOptions options)
    {
        // Whoever holds it may do so for long: no deadline.
        var patient = new CallOptions(options.Headers, cancellationToken: options.CancellationToken);
        LockResponse response = await new Protos.Etcd.Lock.LockClient(channel).LockAsync(
            new LockRequest { Name = EtcdBytes.FromWord(command.Name, isBase64: false), Lease = lease },
            patient);
        // The key's own revision orders all holders; that of the reply may be newer.
        RangeResponse range = await new KV.KVClient(channel).RangeAsync(
            new RangeRequest { Key = response.Key },
            options.WithDeadline(DateTime.UtcNow + targets.Timeout));
        return range.Kvs.FirstOrDefault()
            ?? throw new RpcException(new Status(StatusCode.Aborted, "the lock was lost at once"));
    }

    /// <summary>
    /// Runs the program and waits for it. Ctrl-C reaches it by itself, as it has the same terminal; what it
    /// makes of that is its own.
    /// </summary>
    private async Task<ExitCode> RunProgramAsync(
        KeyValue held, CancellationToken terminated, CancellationToken lost)
    {
        // Standard output is the program's.
        output.Note($"holding {BytesText.OfKey(held.Key).Text}, revision {held.CreateRevision}.");
        var start = new ProcessStartInfo(command.Program[0], command.Program.Skip(1));
        start.Environment[KeyVariable] = BytesText.OfKey(held.Key).Text;
        start.Environment[RevisionVariable] = $"{held.CreateRevision}";
        Process? program;
        try
        {
            program = Process.Start(start);
        }
        catch (Win32Exception error)
        {
            return Fail(new Failure(
                (ExitCode)NoProgramExit, $"cannot run {start.FileName}: {error.Message}."));
        }

        using (program)
        {
            using CancellationTokenRegistration ofTerm = terminated.Register(Kill);
            using CancellationTokenRegistration ofLoss = lost.Register(Kill);
            await program!.WaitForExitAsync(CancellationToken.None);
            return lost.IsCancellationRequested ? Fail(Lost()) : (ExitCode)program.ExitCode;
        }

        void Kill() => program!.Kill(entireProcessTree: true);
    }

    private async Task ReleaseAsync(long lease)
    {
        (LeaseRevokeResponse? revoked, IReadOnlyList<CallFailure> failures) = await targets.AskAsync(
            isWrite: false,
            async (channel, options) => await new Lease.LeaseClient(channel).LeaseRevokeAsync(
                new LeaseRevokeRequest { ID = lease }, options),
            CancellationToken.None);
        if (revoked is null && failures[^1].Code != StatusCode.NotFound)
        {
            output.Note($"the lock could not be released ({failures[^1].Detail.TrimEnd('.')}): it ends "
                + $"{command.TtlSeconds} s after it was last renewed.");
        }
    }

    private Failure Lost()
    {
        string why = $"lock {command.Name} was lost: its lease could not be renewed.";
        string end = command.Program.Count > 0 ? $" {command.Program[0]} was killed." : "";
        return new Failure(ExitCode.Unavailable, why + end);
    }

    private ExitCode Fail(Failure failure)
    {
        output.Fail(failure with { LineNumber = lineNumber });
        return failure.Exit;
    }

    private static async Task EndOf(CancellationToken end)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using CancellationTokenRegistration registration = end.Register(ended.SetResult);
        await ended.Task;
    }
}
