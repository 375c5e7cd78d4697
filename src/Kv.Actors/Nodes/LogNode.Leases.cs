using Akka.Actor;
using Kv.Actors.Leasing;
using Kv.Actors.Store;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Nodes;

/// <summary>Leases of a node of a totally ordered mode.</summary>
public sealed partial class LogNode
{
    private readonly IActorRef _lessor;

    /// <summary>
    /// An answer about a lease that took longer, ms, must not be told as if its time began only now.
    /// </summary>
    public int LeaseMarginMs => _options.Lessor.MarginMs;

    /// <summary>
    /// Begins the time of a lease anew, by way of the log: <see cref="Reply.Leased"/> or <see
    /// cref="Reply.Refused"/>. Keep-alives of one lease that wait together take one place there.
    /// </summary>
    /// <returns>
    /// With the time to live that a client may count from this answer: less than granted, at least 1 s, where
    /// it was long in coming.
    /// </returns>
    /// <exception cref="KvException">Anything but a reply of the store.</exception>
    public async Task<Reply> KeepAliveAsync(long leaseId, CancellationToken cancellation)
    {
        while (true)
        {
            long askedAt = _options.Clock.GetTimestamp();
            Reply reply = await RenewAsync(leaseId, cancellation);
            if (reply is not Reply.Leased leased)
            {
                return reply;
            }
            long secondsToTell = _options.Lessor.SecondsToTell(
                leased.TtlSeconds, _options.Clock.GetElapsedTime(askedAt).TotalMilliseconds);
            if (secondsToTell > 0)
            {
                return leased with { TtlSeconds = secondsToTell };
            }
        }
    }

    /// <summary>A lease with what is left of it, behind all that was acknowledged before.</summary>
    /// <returns>Without a lease: there is none.</returns>
    /// <exception cref="KvException">The node does not serve, or the barrier did not come back.</exception>
    public async Task<StoreActor.LeaseSeen> DescribeLeaseAsync(
        long leaseId, bool withKeys, CancellationToken cancellation)
    {
        await ExecuteAsync(new LoggedCommand(new Command.Barrier()), cancellation);
        return (StoreActor.LeaseSeen)await AskStoreAsync(
            new StoreActor.DescribeLease(leaseId, withKeys), cancellation);
    }

    /// <summary>All leases, behind all that was acknowledged before.</summary>
    /// <exception cref="KvException">The node does not serve, or the barrier did not come back.</exception>
    public async Task<StoreActor.LeaseIds> ListLeasesAsync(CancellationToken cancellation)
    {
        await ExecuteAsync(new LoggedCommand(new Command.Barrier()), cancellation);
        return (StoreActor.LeaseIds)await AskStoreAsync(new StoreActor.ListLeases(), cancellation);
    }

    private async Task<Reply> RenewAsync(long leaseId, CancellationToken cancellation)
    {
        await CheckServingAsync(isWrite: true, cancellation);
        if (_stopping)
        {
            throw new KvException(KvError.Stopping, "The node stops.");
        }
        var answer = new TaskCompletionSource<Reply>(TaskCreationOptions.RunContinuationsAsynchronously);
        _lessor.Tell(new LessorActor.KeepAlive(leaseId, answer), ActorRefs.NoSender);
        try
        {
            Reply reply = await answer.Task.WaitAsync(cancellation);
            if (Gate is { } gate)
            {
                await gate.Opened.WaitAsync(cancellation);
            }
            return reply;
        }
        catch (OperationCanceledException)
        {
            throw new KvException(
                KvError.OutcomeUnknown,
                "The keep-alive's answer did not come in time: the outcome is unknown.");
        }
    }
}
