using Grpc.Core;
using Kv.Protos.V1;

namespace Kv.Cli.Calls;

/// <summary>
/// The nodes a command may go to. Stays with the node that answered last; goes round to the next one only
/// where that cannot run a command twice (<see cref="CallFailure.MayTryNext"/>).
/// </summary>
/// <param name="addresses">In the order they are tried; at least one.</param>
/// <param name="timeout">Longest wait for one answer of one node.</param>
/// <param name="credentials">Who asks; null: nobody is named.</param>
internal sealed class TargetSet(
    IReadOnlyList<TargetAddress> addresses, TimeSpan timeout, Credentials? credentials = null) : IDisposable
{
    private readonly IReadOnlyList<Target> _targets =
        [.. addresses.Select(address => new Target(address, credentials))];

    private int _current;

    /// <summary>The node being asked, else the one the next command goes to first.</summary>
    public TargetAddress Current => _targets[_current].Address;

    public TimeSpan Timeout => timeout;

    /// <summary>
    /// The same nodes over connections of its own, for calls beside those made here. Begins at the same one.
    /// </summary>
    public TargetSet Fork() => new(addresses, timeout, credentials) { _current = _current };

    /// <summary>Sends one command; each node asked gets the whole timeout.</summary>
    /// <param name="isWrite">Whether the command changes the store.</param>
    /// <param name="call">Starts the call.</param>
    /// <param name="interrupt">The user's wish to stop.</param>
    /// <returns>
    /// The reply, <see cref="Current"/> then being the node that gave it; or null and the failed attempts in
    /// order, the last of which says what the command came to.
    /// </returns>
    public Task<(TReply? Reply, IReadOnlyList<CallFailure> Failures)> CallAsync<TReply>(
        bool isWrite,
        Func<KvService.KvServiceClient, CallOptions, AsyncUnaryCall<TReply>> call,
        CancellationToken interrupt)
        where TReply : class
    {
        return AskAsync<TReply>(isWrite, CallAsync, interrupt);

        async Task<TReply> CallAsync(ChannelBase channel, CallOptions options)
        {
            using AsyncUnaryCall<TReply> running = call(new KvService.KvServiceClient(channel), options);
            return await running;
        }
    }

    /// <summary>As <see cref="CallAsync"/>, for what is more than one call.</summary>
    /// <param name="isWrite">Whether the command changes the store.</param>
    /// <param name="ask">Asks one node; made again from the start at the next one.</param>
    /// <param name="interrupt">The user's wish to stop.</param>
    /// <param name="isNamed">Whether the write has a request id, so that it may be repeated.</param>
    public async Task<(TReply? Reply, IReadOnlyList<CallFailure> Failures)> AskAsync<TReply>(
        bool isWrite,
        Func<ChannelBase, CallOptions, Task<TReply>> ask,
        CancellationToken interrupt,
        bool isNamed = false)
        where TReply : class
    {
        List<CallFailure> failures = [];
        int first = _current;
        for (int step = 0; step < _targets.Count; step++)
        {
            _current = (first + step) % _targets.Count;
            (TReply? reply, CallFailure? failure) =
                await _targets[_current].AskAsync(isWrite, ask, timeout, interrupt);
            if (failure is null)
            {
                return (reply, failures);
            }

            failures.Add(failure);
            bool mayRepeat = isNamed
                && failure.Kind == FailureKind.OutcomeUnknown
                && !interrupt.IsCancellationRequested;
            if (!failure.MayTryNext && !mayRepeat)
            {
                break;
            }
        }

        _current = first;
        // Whatever the others said, the write may have been applied where nothing was said.
        return (null, [.. failures.OrderBy(failure => failure.Kind == FailureKind.OutcomeUnknown)]);
    }

    public void Dispose()
    {
        foreach (Target target in _targets)
        {
            target.Dispose();
        }
    }
}
