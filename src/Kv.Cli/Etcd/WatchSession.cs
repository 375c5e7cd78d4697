using Grpc.Core;
using Kv.Cli.Calls;
using Kv.Cli.Commands;
using Kv.Cli.Output;
using Kv.Protos.Etcd;

namespace Kv.Cli.Etcd;

/// <summary>
/// Shows what changes, until interrupted. Revisions are equal on all nodes: where one is lost, another goes
/// on behind the last change shown.
/// </summary>
internal sealed class WatchSession(
    TargetSet targets, IOutput output, Command.Watch command, int? lineNumber)
{
    /// <summary>Wait after all nodes were asked in vain, ms.</summary>
    private const int RetryMs = 1_000;

    // What the next stream begins with; 0: with what comes next.
    private long _nextRevision = command.Request.StartRevision;
    private bool _hasBegun;
    private bool _isBroken;

    public async Task<ExitCode> RunAsync(CancellationToken interrupt)
    {
        while (true)
        {
            (WatchResponse? last, IReadOnlyList<CallFailure> failures) = await targets.AskAsync(
                isWrite: false, FollowAsync, interrupt);
            if (interrupt.IsCancellationRequested)
            {
                output.Ended(command);
                return ExitCode.Interrupted;
            }

            if (last is { Canceled: true })
            {
                return Fail(Canceled(last));
            }

            if (last is null && (!_hasBegun || !failures[^1].MayTryNext))
            {
                return Fail(FailureText.Describe(command, failures));
            }

            if (!_isBroken)
            {
                output.Note($"the watch broke off at {targets.Current}; trying to go on.");
            }

            _isBroken = true;
            await WaitAsync(interrupt);
        }
    }

    /// <summary>Shows the events of one stream.</summary>
    /// <returns>The last response: the server ended the watch; or the stream broke.</returns>
    private async Task<WatchResponse> FollowAsync(ChannelBase channel, CallOptions options)
    {
        // The timeout is for the beginning: what comes later may come late.
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(options.CancellationToken);
        patience.CancelAfter(targets.Timeout);
        using AsyncDuplexStreamingCall<WatchRequest, WatchResponse> call =
            new Watch.WatchClient(channel).Watch(options.Headers, cancellationToken: patience.Token);
        WatchCreateRequest request = command.Request.Clone();
        request.StartRevision = _nextRevision;
        WatchResponse last = new();
        try
        {
            await call.RequestStream.WriteAsync(
                new WatchRequest { CreateRequest = request }, patience.Token);
            while (await call.ResponseStream.MoveNext(patience.Token))
            {
                last = call.ResponseStream.Current;
                if (last.Canceled)
                {
                    return last;
                }

                patience.CancelAfter(Timeout.InfiniteTimeSpan);
                Take(last);
            }
        }
        catch (Exception late) when (late is RpcException or OperationCanceledException
            && patience.IsCancellationRequested
            && !options.CancellationToken.IsCancellationRequested)
        {
            throw new RpcException(new Status(StatusCode.DeadlineExceeded, "", late));
        }
        catch (OperationCanceledException stopped)
        {
            throw new RpcException(new Status(StatusCode.Cancelled, "", stopped));
        }

        return last;
    }

    private void Take(WatchResponse response)
    {
        long revision = response.Header?.Revision ?? 0;
        if (response.Created)
        {
            if (!_hasBegun)
            {
                output.Begun(command);
            }

            if (_isBroken)
            {
                output.Note($"the watch goes on at {targets.Current} with revision {_nextRevision}.");
            }

            (_hasBegun, _isBroken) = (true, false);
            _nextRevision = _nextRevision == 0 ? revision + 1 : _nextRevision;
            return;
        }

        if (response.Events.Count > 0)
        {
            _nextRevision = response.Events[^1].Kv.ModRevision + 1;
        }
        else
        {
            _nextRevision = Math.Max(_nextRevision, revision + 1);
        }

        if (response.Events.Count > 0 || command.Request.ProgressNotify)
        {
            output.Show(new Answer(command, response, targets.Current), lineNumber);
        }
    }

    private Failure Canceled(WatchResponse response)
    {
        string why = response.CompactRevision > 0
            ? $"the revisions before {response.CompactRevision} have been compacted"
            : response.CancelReason.TrimEnd('.');
        return new Failure(ExitCode.Refused, $"watch ended by {targets.Current}: {why}.");
    }

    private ExitCode Fail(Failure failure)
    {
        output.Fail(failure with { LineNumber = lineNumber });
        return failure.Exit;
    }

    private static async Task WaitAsync(CancellationToken interrupt)
    {
        try
        {
            await Task.Delay(RetryMs, interrupt);
        }
        catch (OperationCanceledException)
        {
            // The loop sees it.
        }
    }
}
