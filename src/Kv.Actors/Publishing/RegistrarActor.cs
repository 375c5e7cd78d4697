using Akka.Actor;
using Akka.Event;
using Kv.Actors.Log;
using Kv.Core.Entries;

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

    private readonly string _nodeId;
    private readonly IReplicationLog _replicationLog;
    private readonly PublisherOptions _options;
    private readonly EntryStamp _stamp;
    private readonly UInt128 _nonce;
    private readonly Func<UInt128> _random;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private ulong _clusterId;
    private bool _appending;
    private bool _appendAtOnce;
    private long _retryDelayMs;

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
        _nodeId = nodeId;
        _replicationLog = log;
        _options = options;
        _stamp = stamp;
        _nonce = nonce;
        _random = random;
        _retryDelayMs = options.RetryDelayMsMin;
        Receive<PublisherActor.Founded>(founded =>
        {
            _clusterId = founded.ClusterId;
            _retryDelayMs = options.RetryDelayMsMin;
            Append();
        });
        Receive<AppendNow>(_ => Append());
        Receive<Ended>(ended => AppendEnded(ended.Failure));
    }

    protected override void PreStart()
    {
        if (_options.MayFound)
        {
            Schedule(_options.FoundingDelayMs);
        }
    }

    private void Append()
    {
        if (_appending)
        {
            _appendAtOnce = true;
            return;
        }
        Command command = _clusterId == 0 ? NewGenesis() : new Command.Register(_nonce, _nodeId);
        ulong clusterId = command is Command.Found found ? found.Genesis.ClusterId : _clusterId;
        byte[] bytes = _stamp.Encode(
            [new LoggedCommand(command)], clusterId, LogEntry.NoProducer, 0, EntryStamp.NoBasis);
        _appending = true;
        _appendAtOnce = false;
        _replicationLog.AppendAsync(bytes, CancellationToken.None).PipeTo(
            Self,
            success: () => new Ended(null),
            failure: cause => new Ended(cause));
    }

    private Command.Found NewGenesis()
    {
        ulong clusterId = (ulong)(_random() >> 64) | 1;
        _log.Info(
            "{Node} finds an empty log and founds cluster {ClusterId}", _nodeId, clusterId.ToString("x16"));
        return new Command.Found(Genesis.Empty(clusterId, _options.ClusterSize));
    }

    private void AppendEnded(Exception? failure)
    {
        _appending = false;
        Context.Parent.Tell(new Trouble(failure?.Message ?? ""));
        if (failure is null)
        {
            // What was confirmed and does not come by in time was lost, and is appended once more.
            Schedule(_appendAtOnce ? 0 : _options.ReadBackTimeoutMs);
            return;
        }
        _log.Warning("{Node} cannot append to the log: {Cause}", _nodeId, failure.Message);
        Schedule(_retryDelayMs);
        _retryDelayMs = Math.Min(_retryDelayMs * 2, _options.RetryDelayMsMax);
    }

    private void Schedule(long delayMs) =>
        Timers.StartSingleTimer(nameof(AppendNow), new AppendNow(), TimeSpan.FromMilliseconds(delayMs));
}
