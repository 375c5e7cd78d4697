using Akka.Event;
using Kv.Core.Entries;

namespace Kv.Actors.Publishing;

/// <summary>
/// The decisions of <see cref="RegistrarActor"/>: what is appended for a registration, and when again.
/// </summary>
internal sealed class RegistrarCore(
    string nodeId,
    PublisherOptions options,
    EntryStamp stamp,
    UInt128 nonce,
    Func<UInt128> random,
    IRegistrarPort port,
    ILoggingAdapter log)
{
    private ulong _clusterId;
    private bool _appending;
    private bool _appendAtOnce;
    private long _retryDelayMs = options.RetryDelayMsMin;

    internal void Start()
    {
        if (options.MayFound)
        {
            port.ScheduleAppend(options.FoundingDelayMs);
        }
    }

    internal void Found(ulong clusterId)
    {
        _clusterId = clusterId;
        _retryDelayMs = options.RetryDelayMsMin;
        Append();
    }

    /// <summary>The time given to <see cref="IRegistrarPort.ScheduleAppend"/> is over.</summary>
    internal void Append()
    {
        if (_appending)
        {
            _appendAtOnce = true;
            return;
        }
        if (_clusterId == 0 && options.FoundingObjection() is { Length: > 0 } objection)
        {
            port.ReportTrouble($"This node founds no cluster: {objection}.");
            port.ScheduleAppend(options.RetryDelayMsMax);
            return;
        }
        Command command = _clusterId == 0 ? NewGenesis() : new Command.Register(nonce, nodeId);
        ulong clusterId = command is Command.Found found ? found.Genesis.ClusterId : _clusterId;
        byte[] bytes = stamp.Encode(
            [new LoggedCommand(command)], clusterId, LogEntry.NoProducer, 0, EntryStamp.NoBasis);
        _appending = true;
        _appendAtOnce = false;
        port.Append(bytes);
    }

    /// <param name="failure">Null: the log has it.</param>
    internal void EndAppend(Exception? failure)
    {
        _appending = false;
        port.ReportTrouble(failure?.Message ?? "");
        if (failure is null)
        {
            // What was confirmed and does not come by in time was lost, and is appended once more.
            port.ScheduleAppend(_appendAtOnce ? 0 : options.ReadBackTimeoutMs);
            return;
        }
        log.Warning("{Node} cannot append to the log: {Cause}", nodeId, failure.Message);
        port.ScheduleAppend(_retryDelayMs);
        _retryDelayMs = Math.Min(_retryDelayMs * 2, options.RetryDelayMsMax);
    }

    private Command.Found NewGenesis()
    {
        if (options.Genesis is { } held)
        {
            log.Info(
                "{Node} founds cluster {ClusterId} on the base it holds ({Base})",
                nodeId, held.ClusterId.ToString("x16"), held.Base);
            return new Command.Found(held);
        }
        ulong clusterId = (ulong)(random() >> 64) | 1;
        log.Info(
            "{Node} finds an empty log and founds cluster {ClusterId}", nodeId, clusterId.ToString("x16"));
        return new Command.Found(Genesis.Empty(clusterId, options.ClusterSize));
    }
}

/// <summary>What <see cref="RegistrarCore"/> has others do.</summary>
internal interface IRegistrarPort
{
    /// <summary>Its end comes back by <see cref="RegistrarCore.EndAppend"/>.</summary>
    void Append(byte[] entry);

    /// <summary>
    /// Calls <see cref="RegistrarCore.Append"/> later; a call scheduled before is replaced.
    /// </summary>
    void ScheduleAppend(long delayMs);

    /// <param name="why">Why it does not get on; empty when it does again.</param>
    void ReportTrouble(string why);
}
