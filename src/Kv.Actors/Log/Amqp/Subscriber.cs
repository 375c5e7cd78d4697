using RabbitMQ.Client;

namespace Kv.Actors.Log.Amqp;

/// <summary>
/// A consumer's side of the broker: connects, subscribes an inbox, and closes. It starts at once.
/// </summary>
internal sealed class Subscriber : IAsyncDisposable
{
    private readonly AmqpOptions _options;
    private readonly AmqpSubscription _subscription;
    private readonly DeliveryInbox _inbox;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task<AmqpLink> _connecting;

    public Subscriber(AmqpOptions options, AmqpSubscription subscription, Action<AmqpEvent>? observer,
        DeliveryInbox inbox)
    {
        _options = options;
        _subscription = subscription;
        _inbox = inbox;
        _connecting = AmqpLink.OpenAsync(options, subscription.Purpose, observer, _stopping.Token);
        Attaching = AttachAsync();
    }

    /// <summary>
    /// Ends with the queue's name when the broker has set the subscription up, or with why it did not.
    /// </summary>
    public Task<string> Attaching { get; }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        // Its failure is the business of whoever awaits Attaching.
        await ((Task)Attaching).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_connecting.IsCompletedSuccessfully) { await _connecting.Result.DisposeAsync(); }
        _stopping.Dispose();
    }

    private async Task<string> AttachAsync()
    {
        AmqpLink link = await _connecting;
        return await link.RetryHomeNodeAsync(
            $"consume to {_subscription.Purpose}", token => SubscribeAsync(link, token), _stopping.Token);
    }

    private async Task<string> SubscribeAsync(AmqpLink link, CancellationToken token)
    {
        IChannel channel = await link.OpenChannelAsync(null, token);
        try
        {
            _inbox.Channel = channel;
            string queue = await _subscription.PrepareAsync(channel, token);
            await channel.BasicQosAsync(0, (ushort)_options.Prefetch, global: false, token);
            await channel.BasicConsumeAsync(queue, autoAck: false, consumerTag: "", noLocal: false,
                exclusive: false, _subscription.From?.ConsumerArguments, _inbox, token);
            // A stream's reader is set up after the consume was answered, so "next" is not settled by it; the
            // answer to whatever is asked next on the same channel comes later still.
            await channel.QueueDeclarePassiveAsync(queue, token);
            channel.CallbackExceptionAsync += _inbox.HandleCallbackExceptionAsync;
            // Called at once if the channel has ended before this was subscribed.
            channel.ChannelShutdownAsync += _inbox.HandleChannelShutdownAsync;
            return queue;
        }
        catch
        {
            await channel.DisposeAsync();
            throw;
        }
    }
}
