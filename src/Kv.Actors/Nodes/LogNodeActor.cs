using Akka.Actor;
using Akka.Event;
using Kv.Actors.Journal;
using Kv.Actors.Leasing;
using Kv.Actors.Log;
using Kv.Actors.Proposals;
using Kv.Actors.Publishing;
using Kv.Actors.Snapshots;
using Kv.Actors.Store;
using Kv.Actors.Upkeep;
using Kv.Actors.Watching;

namespace Kv.Actors.Nodes;

/// <summary>
/// Supervises one node of a totally ordered mode. When one part fails by a bug, all start anew together:
/// the store has lost what it applied, and is rebuilt from the log. A node that keeps failing stops, and
/// its process with it.
/// </summary>
public sealed class LogNodeActor : ReceiveActor
{
    public sealed record GetParts;

    /// <param name="Snapshots">Null: the node writes none.</param>
    /// <param name="Journal">Null: the node keeps none.</param>
    public sealed record Parts(
        IActorRef Store,
        IActorRef Publisher,
        IActorRef Watches,
        IActorRef Lessor,
        IActorRef? Snapshots,
        IActorRef? Journal);

    /// <summary>From the store: it goes on from a snapshot that came while the feed stood still.</summary>
    public sealed record StartFeedAnew;

    private readonly LogNodeOptions _options;

    public static Props Props(LogNodeOptions options) => Akka.Actor.Props.Create(
        () => new LogNodeActor(options));

    public LogNodeActor(LogNodeOptions options)
    {
        _options = options;
        NodeJournal? journal = options.Journal is null
            ? null
            : new NodeJournal(
                Context.ActorOf(
                    JournalActor.Props(options.NodeId, options.Journal, options.Random), "journal"),
                options.Journal);
        IActorRef store = Context.ActorOf(
            StoreActor.Props(
                options.NodeId,
                options.ExpectedClusterId,
                NoteCluster,
                awaitsSnapshot: options.Snapshots is not null,
                journal?.Actor,
                options.Rules,
                options.OnAuthChanged),
            "store");
        IActorRef? snapshots = options.Snapshots is null
            ? null
            : Context.ActorOf(
                SnapshotActor.Props(options.NodeId, store, options.Snapshots, journal), "snapshots");
        IActorRef publisher = Context.ActorOf(
            PublisherActor.Props(
                options.NodeId, options.Log, store, options.Publisher, options.Clock, options.Random),
            "publisher");
        IActorRef proposals = Context.ActorOf(ProposalActor.Props(options.NodeId, publisher), "proposals");
        Context.ActorOf(
            UpkeepActor.Props(options.NodeId, store, publisher, options.Upkeep, options.Clock), "upkeep");
        IActorRef lessor = Context.ActorOf(
            LessorActor.Props(
                options.NodeId, store, publisher, options.Lessor, options.Clock, WhyNoWrites(options)),
            "lessor");
        IActorRef feed = Context.ActorOf(
            LogFeedActor.Props(
                options.NodeId,
                options.Log,
                store,
                options.Feed,
                options.Clock,
                options.Membership?.Actor,
                options.Membership is { } membership ? membership.NoteConnected : null),
            "feed");
        IActorRef watches = Context.ActorOf(
            WatchHubActor.Props(store, () => options.Membership?.Gate.NotReadyBecause ?? ""), "watches");
        options.Membership?.Attach(store, feed, proposals, lessor);
        Context.Watch(store);
        Context.Watch(feed);
        Receive<GetParts>(_ => Sender.Tell(new Parts(
            store, publisher, watches, lessor, snapshots, journal?.Actor)));
        Receive<ProposalActor.SnapshotKept>(proposals.Tell);
        Receive<SnapshotActor.Unusable>(unusable => options.OnRefused(unusable.Why));
        Receive<StartFeedAnew>(_ => feed.Tell(new LogFeedActor.StartAnew()));
        Receive<Terminated>(_ => GiveUp());
    }

    protected override SupervisorStrategy SupervisorStrategy() => new AllForOneStrategy(
        maxNrOfRetries: 3,
        withinTimeRange: TimeSpan.FromMinutes(1),
        localOnlyDecider: cause =>
        {
            Context.GetLogger().Error(cause, "{Node} starts its parts anew after a bug", _options.NodeId);
            return Directive.Restart;
        });

    private static Func<string> WhyNoWrites(LogNodeOptions options) =>
        options.Membership?.Gate is { } gate
            ? () => gate.NotReadyBecause + gate.NoWritesBecause
            : static () => "";

    private void NoteCluster(ulong clusterId)
    {
        _options.OnClusterKnown(clusterId);
        _options.Membership?.NoteCluster(clusterId);
    }

    private void GiveUp()
    {
        Context.GetLogger().Error("{Node} keeps failing and stops", _options.NodeId);
        Context.Stop(Self);
        _options.OnFatal();
    }
}
