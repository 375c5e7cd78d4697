using Grpc.Core;
using Kv.Actors.Nodes;

namespace Kv.Host.Grpc;

/// <summary>What every call has that asks a node: a bound in time, and errors by the table.</summary>
internal static class NodeCalls
{
    /// <summary>
    /// Bound of a call whose client gave no deadline, ms: nobody waits for ever by accident.
    /// </summary>
    private const int DeadlineMsDefault = 10_000;

    /// <summary>
    /// Longest time before a client's deadline at which it is told how far its call came, ms: behind the
    /// deadline nobody listens any more.
    /// </summary>
    private const int LastWordMsMax = 100;

    /// <exception cref="RpcException">Whatever is not an answer, by the error table.</exception>
    public static async Task<T> GuardAsync<T>(ServerCallContext call, Func<CancellationToken, Task<T>> ask)
    {
        try
        {
            using var bounded = CancellationTokenSource.CreateLinkedTokenSource(call.CancellationToken);
            bounded.CancelAfter(TimeLeft(call));
            return await ask(bounded.Token);
        }
        catch (KvException error)
        {
            throw ErrorTable.ToRpc(error);
        }
    }

    private static TimeSpan TimeLeft(ServerCallContext call)
    {
        if (call.Deadline == DateTime.MaxValue)
        {
            return TimeSpan.FromMilliseconds(DeadlineMsDefault);
        }
        double leftMs = Math.Max(0, (call.Deadline - DateTime.UtcNow).TotalMilliseconds);
        // A deadline in the far future is more than a timer holds.
        return TimeSpan.FromMilliseconds(
            Math.Min(leftMs - Math.Min(leftMs / 10, LastWordMsMax), int.MaxValue));
    }
}
