using Akka.Actor;
using Akka.Event;
using Kv.Actors.Log;

namespace Kv.Actors.Publishing;

/// <summary>
/// Brings the publisher's registration into the log, and before it the genesis where this node may found a
/// cluster. The publisher stops it when the store has read the registration back.
/// </summary>
/// <remarks>
/// Repeating is harmless here: of two geneses the first counts, and a second registration makes an id
/// nobody uses.
/// </remarks>
internal sealed class RegistrarActor : ReceiveActor, IWithTimers
{
    /// <summary>To the parent: why it does not get on; empty when it does again.</summary>
    public sealed record Trouble(string Why);

    private sealed record AppendNow;

    private sealed record Ended(Exception? Failure);

    private readonly RegistrarCore _core;

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(
        string nodeId,
        IReplicationLog log,
        PublisherOptions options,
        EntryStamp stamp,
        UInt128 nonce,
        Func<UInt128> random) =>
        Akka.Actor.Props.Create(() => new RegistrarActor(nodeId, log, options, stamp, nonce, random));

    public RegistrarActor(
        string nodeId,
        IReplicationLog log,
        PublisherOptions options,
        EntryStamp stamp,
        UInt128 nonce,
        Func<UInt128> random)
    {
        var port = new Port(this, log, Context.Parent);
        _core = new RegistrarCore(nodeId, options, stamp, nonce, random, port, Context.GetLogger());
        Receive<PublisherActor.Founded>(founded => _core.Found(founded.ClusterId));
        Receive<AppendNow>(_ => _core.Append());
        Receive<Ended>(ended => _core.EndAppend(ended.Failure));
    }

    protected override void PreStart() => _core.Start();

    private sealed class Port(
        RegistrarActor actor, IReplicationLog replicationLog, IActorRef parent) : IRegistrarPort
    {
        private readonly IActorRef _self = actor.Self;

        public void Append(byte[] entry) =>
            replicationLog.AppendAsync(entry, CancellationToken.None).PipeTo(
                _self,
                success: () => new Ended(null),
                failure: cause => new Ended(cause));

        public void ScheduleAppend(long delayMs) => actor.Timers.StartSingleTimer(
            nameof(AppendNow), new AppendNow(), TimeSpan.FromMilliseconds(delayMs));

        public void ReportTrouble(string why) => parent.Tell(new Trouble(why), _self);
    }
}
