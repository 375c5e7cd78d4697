using Kv.Actors.Nodes;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Leasing;

/// <summary>
/// Keep-alives on their way. Those of one lease that wait together become one renewal; one that comes while
/// a renewal is under way waits for the next, since the lease's time may have begun anew before it came.
/// </summary>
internal sealed class KeepAlives(LessorOptions options, Action<Command.LeaseRenew> send)
{
    private readonly Dictionary<long, Renewal> _byLease = [];

    // Leases whose renewal was not sent yet: too many are under way.
    private readonly Queue<long> _unsent = [];
    private int _sent;
    private int _waiting;

    /// <summary>A renewal of it is under way or will be.</summary>
    public bool IsRenewing(long leaseId) => _byLease.ContainsKey(leaseId);

    /// <param name="reply">The store's, or a <see cref="KvException"/>.</param>
    public void Add(long leaseId, TaskCompletionSource<Reply> reply)
    {
        if (_waiting >= options.KeepAlivesWaitingMax)
        {
            reply.TrySetException(new KvException(
                KvError.Overloaded,
                $"{_waiting} keep-alives wait for an answer already. Slow down and try again."));
            return;
        }
        _waiting++;
        if (_byLease.TryGetValue(leaseId, out Renewal? renewal))
        {
            renewal.Next.Add(reply);
            return;
        }
        renewal = new Renewal();
        renewal.Next.Add(reply);
        _byLease.Add(leaseId, renewal);
        _unsent.Enqueue(leaseId);
        SendUnsent();
    }

    /// <summary>A renewal was answered.</summary>
    public void End(long leaseId, Reply reply) =>
        End(leaseId, waiting => waiting.TrySetResult(reply));

    /// <summary>A renewal failed. Keep-alives that came behind it try their own.</summary>
    public void Fail(long leaseId, Exception cause) =>
        End(leaseId, waiting => waiting.TrySetException(cause));

    /// <summary>The node ends: nobody is left without an answer.</summary>
    public void FailAll(Exception cause)
    {
        foreach (TaskCompletionSource<Reply> waiting in
            _byLease.Values.SelectMany(static renewal => renewal.Sent.Concat(renewal.Next)))
        {
            waiting.TrySetException(cause);
        }
        _byLease.Clear();
        _unsent.Clear();
        (_sent, _waiting) = (0, 0);
    }

    private void End(long leaseId, Action<TaskCompletionSource<Reply>> answer)
    {
        _sent--;
        Renewal renewal = _byLease[leaseId];
        _waiting -= renewal.Sent.Count;
        renewal.Sent.ForEach(answer);
        renewal.Sent = [];
        if (renewal.Next.Count == 0)
        {
            _byLease.Remove(leaseId);
        }
        else
        {
            _unsent.Enqueue(leaseId);
        }
        SendUnsent();
    }

    private void SendUnsent()
    {
        while (_sent < options.RenewalsInFlightMax && _unsent.TryDequeue(out long leaseId))
        {
            Renewal renewal = _byLease[leaseId];
            (renewal.Sent, renewal.Next) = (renewal.Next, []);
            _sent++;
            send(new Command.LeaseRenew(leaseId));
        }
    }

    private sealed class Renewal
    {
        public List<TaskCompletionSource<Reply>> Sent { get; set; } = [];

        public List<TaskCompletionSource<Reply>> Next { get; set; } = [];
    }
}
