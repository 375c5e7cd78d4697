using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using Kv.Cli.Calls;
using Kv.Cli.Commands;
using Kv.Cli.Output;
using Kv.Protos.Etcd;

namespace Kv.Cli.Etcd;

/// <summary>Runs the commands that speak etcd's protocol, and shows what came of them.</summary>
/// <param name="targets">The nodes.</param>
/// <param name="output">Where results go.</param>
/// <param name="answered">Told of every reply; null: nobody is.</param>
internal sealed class EtcdCommands(TargetSet targets, IOutput output, Action<Answer>? answered)
{
    /// <summary>Metadata that names a write; only our nodes know it.</summary>
    private const string RequestIdKey = "request-id";

    /// <summary>
    /// Gives the lines of a transaction, after the words that ask for them; null at the end.
    /// </summary>
    /// <remarks>Fails with <see cref="OperationCanceledException"/> when the user gives up.</remarks>
    public required Func<string, Task<string?>> MoreLines { get; init; }

    /// <summary>Told of a line that may be written again; null: there is nobody to write it.</summary>
    public Action<UsageException>? Complain { get; init; }

    /// <summary>Runs one command and shows what came of it.</summary>
    /// <exception cref="UsageException">The lines of a transaction are not understood.</exception>
    public async Task<ExitCode> RunAsync(Command.Etcd command, int? lineNumber, CancellationToken interrupt)
    {
        if (command is Command.Txn { Request: null } unread)
        {
            try
            {
                TxnRequest request = await new TxnReader(MoreLines, Complain).ReadAsync();
                command = unread with { Request = request };
            }
            catch (OperationCanceledException)
            {
                output.Note("nothing was sent.");
                return ExitCode.Interrupted;
            }
        }

        return command switch
        {
            Command.Watch watch => await new WatchSession(targets, output, watch, lineNumber)
                .RunAsync(interrupt),
            Command.LeaseKeepAlive keepAlive => await KeepAliveAsync(keepAlive, lineNumber, interrupt),
            Command.Lock held => await new LockSession(targets, output, held, lineNumber).RunAsync(interrupt),
            _ => await RunUnaryAsync(command, lineNumber, interrupt),
        };
    }

    private async Task<ExitCode> RunUnaryAsync(
        Command.Etcd command, int? lineNumber, CancellationToken interrupt)
    {
        (IMessage? reply, IReadOnlyList<CallFailure> failures) = await CallAsync(command, interrupt);
        if (reply is null)
        {
            Failure failure = FailureText.Describe(command, failures) with { LineNumber = lineNumber };
            output.Fail(failure);
            return failure.Exit;
        }

        var answer = new Answer(command, reply, targets.Current);
        answered?.Invoke(answer);
        output.Show(answer, lineNumber);
        return IsOfNothing(reply) ? ExitCode.NotFound : ExitCode.Ok;
    }

    private static bool IsOfNothing(IMessage reply) =>
        reply is LeaseTimeToLiveResponse { TTL: < 0 } or LeaseKeepAliveResponse { TTL: <= 0 };

    private async Task<ExitCode> KeepAliveAsync(
        Command.LeaseKeepAlive command, int? lineNumber, CancellationToken interrupt)
    {
        if (!command.Once)
        {
            output.Begun(command);
        }

        (LeaseKeepAliveResponse? last, IReadOnlyList<CallFailure> failures) = await LeaseKeeper.KeepAsync(
            targets,
            command.Id,
            command.Once,
            (beat, _) => output.Show(new Answer(command, beat, targets.Current), lineNumber),
            interrupt);
        if (last is not null)
        {
            return IsOfNothing(last) ? ExitCode.NotFound : ExitCode.Ok;
        }

        if (interrupt.IsCancellationRequested)
        {
            output.Ended(command);
            return ExitCode.Interrupted;
        }

        Failure failure = FailureText.Describe(command, failures) with { LineNumber = lineNumber };
        output.Fail(failure);
        return failure.Exit;
    }

    private Task<(IMessage? Reply, IReadOnlyList<CallFailure> Failures)> CallAsync(
        Command.Etcd command, CancellationToken interrupt)
    {
        return command switch
        {
            Command.Put put => SendAsync((channel, options) =>
                new KV.KVClient(channel).PutAsync(put.Request, options)),
            Command.Range range => SendAsync((channel, options) =>
                new KV.KVClient(channel).RangeAsync(range.Request, options)),
            Command.Txn txn => SendAsync((channel, options) =>
                new KV.KVClient(channel).TxnAsync(txn.Request, options)),
            Command.Compact compact => SendAsync((channel, options) =>
                new KV.KVClient(channel).CompactAsync(compact.Request, options)),
            Command.LeaseGrant grant => SendAsync((channel, options) =>
                new Lease.LeaseClient(channel).LeaseGrantAsync(
                    new LeaseGrantRequest { TTL = grant.TtlSeconds, ID = grant.Id }, options)),
            Command.LeaseRevoke revoke => SendAsync((channel, options) =>
                new Lease.LeaseClient(channel).LeaseRevokeAsync(
                    new LeaseRevokeRequest { ID = revoke.Id }, options)),
            Command.LeaseTtl left => SendAsync((channel, options) =>
                new Lease.LeaseClient(channel).LeaseTimeToLiveAsync(
                    new LeaseTimeToLiveRequest { ID = left.Id, Keys = left.WithKeys }, options)),
            Command.LeaseList => SendAsync((channel, options) =>
                new Lease.LeaseClient(channel).LeaseLeasesAsync(new LeaseLeasesRequest(), options)),
            _ => throw new UnreachableException($"No call for {command.Verb}."),
        };

        async Task<(IMessage?, IReadOnlyList<CallFailure>)> SendAsync<TReply>(
            Func<ChannelBase, CallOptions, AsyncUnaryCall<TReply>> call)
            where TReply : class, IMessage
        {
            (TReply? reply, IReadOnlyList<CallFailure> failures) = await targets.AskAsync<TReply>(
                command.IsWrite, AskAsync, interrupt, isNamed: command.RequestId is not null);
            return (reply, failures);

            async Task<TReply> AskAsync(ChannelBase channel, CallOptions options)
            {
                using AsyncUnaryCall<TReply> running = call(channel, Named(options, command.RequestId));
                return await running;
            }
        }
    }

    private static CallOptions Named(CallOptions options, string? requestId)
    {
        if (requestId is null)
        {
            return options;
        }

        Metadata headers = options.Headers ?? [];
        headers.Add(RequestIdKey, requestId);
        return options.WithHeaders(headers);
    }
}
