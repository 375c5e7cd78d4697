using Akka.Actor;
using Kv.Actors.Leasing;

namespace Kv.Actors.Store;

/// <summary>What the lessor gets of what was applied, and what can be asked about leases.</summary>
public sealed partial class StoreActor
{
    /// <summary>
    /// From the lessor: told <see cref="LessorActor.CaughtUp"/> as soon as the node has, and <see
    /// cref="LessorActor.Applied"/> from then on.
    /// </summary>
    public sealed record AttachLessor;

    /// <summary>Answered with <see cref="LeaseSeen"/> or <see cref="NotServing"/>.</summary>
    public sealed record DescribeLease(long LeaseId, bool WithKeys);

    /// <param name="Lease">Null: there is no such lease.</param>
    public sealed record LeaseSeen(LeaseDescription? Lease, long Revision);

    /// <summary>Answered with <see cref="LeaseIds"/> or <see cref="NotServing"/>.</summary>
    public sealed record ListLeases;

    /// <param name="Ids">Ascending.</param>
    public sealed record LeaseIds(IReadOnlyList<long> Ids, long Revision);

    private readonly LeaseNews _leaseNews = new();
    private IActorRef _lessor = ActorRefs.Nobody;
    private bool _lessorHasBegun;

    private void ReceiveLeases()
    {
        Receive<AttachLessor>(_ =>
        {
            (_lessor, _lessorHasBegun) = (Sender, false);
            TellLessor();
        });
        Receive<DescribeLease>(asked =>
        {
            if (State.State == Nodes.NodeState.Ready && Store.Leases.Find(asked.LeaseId) is { } lease)
            {
                var seen = new LeaseDescription(
                    lease.Id, lease.TtlSeconds, lease.RemainingMs, asked.WithKeys ? lease.Keys() : []);
                _lessor.Forward(new LessorActor.Describe(new LeaseSeen(seen, Store.Revision)));
            }
            else
            {
                ReplyIfServing(() => new LeaseSeen(null, Store.Revision));
            }
        });
        Receive<ListLeases>(_ => ReplyIfServing(() => new LeaseIds(
            [.. Store.Leases.All.Select(static lease => lease.Id)], Store.Revision)));
    }

    private void TellLessor()
    {
        if (!_follower.HasCaughtUp)
        {
            // What is timed goes on; behind a new registration all leases are told once more.
            _lessorHasBegun = false;
        }
        else if (!_lessorHasBegun)
        {
            _lessorHasBegun = true;
            _lessor.Tell(new LessorActor.CaughtUp(_leaseNews.TakeAll(Store.Leases)));
        }
        else if (_leaseNews.Take(Store.Leases) is var changes
            && (changes.Count > 0 || Store.Leases.Count > 0))
        {
            _lessor.Tell(new LessorActor.Applied(changes));
        }
    }
}
