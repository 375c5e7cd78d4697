using Akka.Actor;
using Kv.Actors.Presence;

namespace Kv.Actors.Membership;

/// <summary>What the membership's actor tells threads outside.</summary>
internal sealed class MembershipSignals
{
    private volatile IReadOnlyList<Uri> _peers;
    private volatile string _clusterNearby = "";
    private volatile string _trouble = "";

    public MembershipSignals(IReadOnlyList<Uri> peers) => _peers = peers;

    public TaskCompletionSource<IActorRef> Presence { get; } =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Fails with <see cref="NodeRefusedException"/>.</summary>
    public TaskCompletionSource Admitted { get; } =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ServingGate Gate { get; } = new();

    public IReadOnlyList<Uri> Peers
    {
        get => _peers;
        set => _peers = value;
    }

    /// <summary>See <see cref="PeerAddresses.ClusterNearby"/>.</summary>
    public string ClusterNearby
    {
        get => _clusterNearby;
        set => _clusterNearby = value;
    }

    /// <summary>Why peers were not heard when last tried; empty: they were.</summary>
    public string Trouble
    {
        get => _trouble;
        set => _trouble = value;
    }
}
