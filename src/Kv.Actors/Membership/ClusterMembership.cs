using Akka.Actor;
using Kv.Actors.Fanouts;
using Kv.Actors.Nodes;
using Kv.Actors.Presence;
using Kv.Actors.Snapshots;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Membership;

/// <summary>
/// A node's place among its peers in stream mode, from before its log is opened until it ends. Any thread.
/// </summary>
public sealed class ClusterMembership : IPeerDirectory, IAsyncDisposable
{
    private const int LeaveTimeoutMs = 1_000;
    private const int StopTimeoutMs = 5_000;

    private readonly IFanout _fanout;
    private readonly MembershipSignals _signals;
    private readonly IActorRef _actor;
    private readonly IActorRef _presence;
    private int _connected;
    private int _left;
    private int _disposed;

    private ClusterMembership(
        IFanout fanout, MembershipSignals signals, IActorRef actor, IActorRef presence)
    {
        _fanout = fanout;
        _signals = signals;
        _actor = actor;
        _presence = presence;
    }

    /// <summary>
    /// Ends when the node has been let in, <see cref="PresenceOptions.WhoWaitMs"/> after the broker was
    /// reached: all peers that are there have been heard then.
    /// </summary>
    /// <exception cref="NodeRefusedException">
    /// Its id is taken, or the others run in another mode or version.
    /// </exception>
    public Task Admitted => _signals.Admitted.Task;

    /// <summary>Why peers cannot be heard at present; empty: they can, or nobody has tried yet.</summary>
    public string Trouble => _signals.Trouble;

    /// <summary>
    /// A peer that belongs to a cluster, halted or not, for a person; empty: there is none. Nobody founds
    /// beside it.
    /// </summary>
    public string ClusterNearby => _signals.ClusterNearby;

    public ServingGate Gate => _signals.Gate;

    public IReadOnlyList<Uri> Peers => _signals.Peers;

    /// <summary>Begins to listen and to ask who is there. It owns the fanout from here on.</summary>
    public static async Task<ClusterMembership> StartAsync(
        ActorSystem system, MembershipOptions options, IFanout presence)
    {
        options.Presence.Validate();
        long incarnation = options.Incarnation != 0
            ? options.Incarnation
            : (options.Clock.GetUtcNow().ToUnixTimeMilliseconds() * 1_000) + Random.Shared.Next(1_000);
        var self = new Announcement(
            options.NodeId, incarnation, options.Url, ReplicationMode.Stream, NodeState.Starting)
        {
            ClusterId = MembershipActor.ClusterText(options.ClusterId),
            AppliedOffset = -1,
            Formats = [EntryCodec.FormatVersion],
            ApplyVersions = StoreRules.OfThisBuild.AllVersions,
        };
        var signals = new MembershipSignals(options.PeersOfSettings);
        IActorRef actor = system.ActorOf(
            MembershipActor.Props(options, self, presence, signals),
            $"membership-{Uri.EscapeDataString(options.NodeId)}-{incarnation:x}");
        return new ClusterMembership(presence, signals, actor, await signals.Presence.Task);
    }

    /// <summary>All members but this node, as last heard.</summary>
    /// <exception cref="OperationCanceledException">No answer in time: this node stops.</exception>
    public async Task<IReadOnlyList<Member>> ListAsync(CancellationToken cancellation)
    {
        var answer = new TaskCompletionSource<IReadOnlyList<Member>>(
            TaskCreationOptions.RunContinuationsAsynchronously);
        _presence.Tell(new PresenceActor.ListMembers(answer));
        return await answer.Task.WaitAsync(cancellation);
    }

    /// <summary>Tells the others that this node stops. It says nothing more then.</summary>
    public async Task LeaveAsync()
    {
        if (Interlocked.Exchange(ref _left, 1) == 1)
        {
            return;
        }
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _presence.Tell(new PresenceActor.Leave(done));
        await done.Task.WaitAsync(TimeSpan.FromMilliseconds(LeaveTimeoutMs))
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 1)
        {
            return;
        }
        await LeaveAsync();
        await _actor.GracefulStop(TimeSpan.FromMilliseconds(StopTimeoutMs));
        await _fanout.DisposeAsync();
    }

    internal IActorRef Actor => _actor;

    internal void Attach(IActorRef store, IActorRef feed, IActorRef proposals, IActorRef lessor) =>
        _actor.Tell(new MembershipActor.Attach(store, feed, proposals, lessor));

    /// <summary>
    /// The feed has connected to the log. That may be another log than before, so that nothing is served
    /// until the peers were asked once more; at the start they were asked already.
    /// </summary>
    internal void NoteConnected()
    {
        if (Interlocked.Exchange(ref _connected, 1) == 1)
        {
            _signals.Gate.Hold(MembershipActor.Reconnecting);
            _actor.Tell(new MembershipActor.Reconnected());
        }
    }

    internal void NoteCluster(ulong clusterId) =>
        _actor.Tell(new MembershipActor.ClusterKnown(clusterId));
}
