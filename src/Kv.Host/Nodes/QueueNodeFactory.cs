using Akka.Actor;
using Kv.Actors.Fanouts;
using Kv.Actors.Log.Amqp;
using Kv.Actors.Nodes;
using Kv.Actors.Presence;
using Kv.Actors.Queue;
using Kv.Core.Merge;
using Kv.Host.Settings;

namespace Kv.Host.Nodes;

/// <summary>The node of queue mode: a queue of its own on the shared exchange, and peers over gRPC.</summary>
internal sealed class QueueNodeFactory(
    HostSettings settings,
    IHostApplicationLifetime lifetime,
    ILogger<QueueNodeFactory> logger) : INodeFactory
{
    /// <summary>Publishes awaiting their confirm: as many as the node has commands under way.</summary>
    private const int WindowMax = 64;

    private DataDirectory? _directory;

    public async Task<IKvNode> StartAsync(ActorSystem system, NodeSlot slot, CancellationToken stopping)
    {
        _directory ??= DataDirectory.Open(settings.DataDir);
        var fanouts = new AmqpFanouts(
            new AmqpOptions
            {
                Brokers = settings.BrokersOf(slot.NodeId),
                ExchangeName = settings.ExchangeName,
                ClientName = $"kv {slot.NodeId}",
                WindowMax = WindowMax,
            },
            [
                new AmqpQueue
                {
                    Exchange = settings.ExchangeName,
                    DurableName = settings.QueueDurable ? $"{settings.ExchangeName}.{slot.NodeId}" : null,
                },
                new AmqpQueue { Exchange = $"{settings.ExchangeName}.presence", IsExchangeDurable = false },
            ],
            AmqpEventLog.To(logger));
        QueueNode node = await QueueNode.StartAsync(
            system,
            new QueueNodeOptions
            {
                NodeId = slot.NodeId,
                Url = settings.AdvertisedUrl,
                DataDirectory = settings.DataDir,
                Order = settings.QueueArrivalOrder ? WriteOrder.Arrival : WriteOrder.Merge,
            },
            fanouts.Fanouts[0],
            fanouts.Fanouts[1],
            new GrpcPeerClient(settings.ExchangeName));
        _ = FollowAsync(node, stopping);
        return node;
    }

    public ValueTask DisposeAsync()
    {
        _directory?.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Ends the process when the node is refused by the others, or has failed.</summary>
    private async Task FollowAsync(QueueNode node, CancellationToken stopping)
    {
        using CancellationTokenRegistration ended = node.Ended.Register(() =>
        {
            // A node that was refused ends, too; why it was is known before it does.
            if (!stopping.IsCancellationRequested && !node.Admitted.IsFaulted)
            {
                ExitCodes.Stop(lifetime, ExitCodes.Fatal);
            }
        });
        try
        {
            await node.Admitted.WaitAsync(stopping);
            await Task.Delay(Timeout.Infinite, stopping);
        }
        catch (NodeRefusedException refused)
        {
            logger.LogCritical("{Node} must not run: {Cause}", node.NodeId, refused.Message);
            ExitCodes.Stop(lifetime, ExitCodes.Refused);
        }
        catch (OperationCanceledException)
        {
            // The host stops the node itself.
        }
    }
}
