using Akka.Actor;
using Kv.Actors.Presence;

namespace Kv.Host.Nodes;

/// <summary>
/// Starts the nodes in the background, so that ports answer (UNAVAILABLE, with the reason) while a broker
/// is still away, and stops them before the actor system goes.
/// </summary>
internal sealed class NodesService(
    NodeSlots slots,
    INodeFactory factory,
    ActorSystem system,
    IHostApplicationLifetime lifetime,
    ILogger<NodesService> logger) : IHostedService, IDisposable
{
    /// <summary>Wait before a log that could not be opened is tried again, ms.</summary>
    private const int RetryDelayMs = 1_000;

    private readonly CancellationTokenSource _stopping = new();
    private Task _starting = Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _starting = StartNodesAsync();
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await _starting;
        await Task.WhenAll(
            slots.All.Select(slot => slot.NodeIfAny?.StopAsync(cancellationToken) ?? Task.CompletedTask));
    }

    public void Dispose() => _stopping.Dispose();

    private async Task StartNodesAsync()
    {
        foreach (NodeSlot slot in slots.All)
        {
            while (!_stopping.IsCancellationRequested && !await TryStartAsync(slot))
            {
                await Task.Delay(RetryDelayMs, _stopping.Token).ContinueWith(
                    static _ => { }, TaskScheduler.Default);
            }
        }
    }

    private async Task<bool> TryStartAsync(NodeSlot slot)
    {
        try
        {
            slot.Fill(await factory.StartAsync(system, slot, _stopping.Token));
            return true;
        }
        catch (NodeRefusedException refused)
        {
            logger.LogCritical("{Node} cannot run: {Cause}", slot.NodeId, refused.Message);
            slot.NotYet(refused.Message);
            ExitCodes.Stop(lifetime, ExitCodes.Refused);
            return true;
        }
        catch (Exception failure) when (!_stopping.IsCancellationRequested)
        {
            logger.LogWarning("{Node} cannot start yet: {Cause}", slot.NodeId, failure.Message);
            slot.NotYet($"The node cannot open its log. {failure.Message}");
            return false;
        }
        catch (OperationCanceledException)
        {
            return true;
        }
    }
}
