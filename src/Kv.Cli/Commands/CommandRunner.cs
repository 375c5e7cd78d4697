using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using Kv.Cli.Calls;
using Kv.Cli.Etcd;
using Kv.Cli.Output;
using Kv.Cli.Snapshots;
using Kv.Protos.V1;

namespace Kv.Cli.Commands;

/// <summary>Runs one command and shows what came of it.</summary>
internal sealed class CommandRunner(TargetSet targets, IOutput output)
{
    /// <summary>Told of every reply; the REPL learns the keys and the node from it.</summary>
    public Action<Answer>? Answered { get; init; }

    /// <inheritdoc cref="EtcdCommands.MoreLines"/>
    public required Func<string, Task<string?>> MoreLines { get; init; }

    /// <inheritdoc cref="EtcdCommands.Complain"/>
    public Action<UsageException>? Complain { get; init; }

    /// <param name="command">What to do.</param>
    /// <param name="interrupt">The user's wish to stop a running call.</param>
    /// <param name="lineNumber">The command's line in a script, from 1; null outside one.</param>
    /// <exception cref="UsageException">The lines of a transaction are not understood.</exception>
    public async Task<ExitCode> RunAsync(Command command, CancellationToken interrupt, int? lineNumber = null)
    {
        switch (command)
        {
            case Command.Exit:
                return ExitCode.Ok;
            case Command.Help:
                output.Help();
                return ExitCode.Ok;
            case Command.Snapshot snapshot:
                return await new SnapshotCommands(targets, output).RunAsync(snapshot, lineNumber, interrupt);
            case Command.Etcd etcd:
                return await new EtcdCommands(targets, output, Answered)
                {
                    MoreLines = MoreLines,
                    Complain = Complain,
                }.RunAsync(etcd, lineNumber, interrupt);
        }

        (IMessage? reply, IReadOnlyList<CallFailure> failures) = await CallAsync(command, interrupt);
        if (reply is null)
        {
            Failure failure = FailureText.Describe(command, failures) with { LineNumber = lineNumber };
            output.Fail(failure);
            return failure.Exit;
        }

        var answer = new Answer(command, reply, targets.Current);
        Answered?.Invoke(answer);
        output.Show(answer, lineNumber);
        return reply is GetReply { Found: false } ? ExitCode.NotFound : ExitCode.Ok;
    }

    private Task<(IMessage? Reply, IReadOnlyList<CallFailure> Failures)> CallAsync(
        Command command, CancellationToken interrupt)
    {
        return command switch
        {
            Command.Set set => SendAsync((client, options) => client.SetAsync(
                new SetRequest { Key = set.Key, ValueJson = set.ValueJson }, options)),
            Command.Get get => SendAsync((client, options) => client.GetAsync(
                new GetRequest { Key = get.Key, Consistency = ConsistencyOf(get.Local) }, options)),
            Command.Del del => SendAsync((client, options) => client.DelAsync(
                new DelRequest { Key = del.Key }, options)),
            Command.Print print => SendAsync((client, options) => client.PrintAsync(
                new PrintRequest
                {
                    Prefix = print.Prefix,
                    After = print.After,
                    Limit = print.KeysMax,
                    Consistency = ConsistencyOf(print.Local),
                    WithStatus = true,
                },
                options)),
            Command.Status => SendAsync((client, options) => client.StatusAsync(
                new StatusRequest(), options)),
            Command.SetClusterSize size => SendAsync((client, options) => client.SetClusterSizeAsync(
                new SetClusterSizeRequest { Size = size.Members }, options)),
            _ => throw new UnreachableException($"No call for {command.Verb}."),
        };

        async Task<(IMessage?, IReadOnlyList<CallFailure>)> SendAsync<TReply>(
            Func<KvService.KvServiceClient, CallOptions, AsyncUnaryCall<TReply>> call)
            where TReply : class, IMessage
        {
            (TReply? reply, IReadOnlyList<CallFailure> failures) =
                await targets.CallAsync(command.IsWrite, call, interrupt);
            return (reply, failures);
        }
    }

    private static Consistency ConsistencyOf(bool local) =>
        local ? Consistency.Local : Consistency.Unspecified;
}
