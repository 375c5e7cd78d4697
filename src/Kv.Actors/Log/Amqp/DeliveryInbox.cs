using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Kv.Actors.Log.Amqp;

/// <summary>
/// Where the client's callbacks leave deliveries until the stage takes them. It never waits, so the
/// client's own unbounded queue stays empty, and it takes all the broker sends: what bounds it is that
/// the broker stops at the prefetch, or on a stream at the end of the chunk in which the prefetch is
/// reached.
/// </summary>
/// <param name="ackMode">Whether deliveries get a handle to ack by.</param>
/// <param name="arrived">Called once when something has come after <see cref="Take"/> found nothing.</param>
/// <param name="fail">Called with whatever ends the consumer.</param>
internal sealed class DeliveryInbox(
    AckMode ackMode, AmqpConsumer consumer, Action arrived, Action<Exception> fail) : IAsyncBasicConsumer
{
    private readonly Lock _gate = new();
    private readonly Queue<AmqpDelivery> _deliveries = new();
    private long _bytes;
    private bool _isAwaited;
    private bool _isClosed;

    /// <summary>Set before the subscription; nothing is delivered sooner.</summary>
    public IChannel? Channel { get; set; }

    /// <summary>
    /// Up to <paramref name="countMax"/> deliveries; if there are none, the next one is announced.
    /// </summary>
    public IReadOnlyList<AmqpDelivery> Take(int countMax)
    {
        lock (_gate)
        {
            _isAwaited = _deliveries.Count == 0;
            if (_isAwaited) { return []; }
            var taken = new AmqpDelivery[Math.Min(countMax, _deliveries.Count)];
            for (int i = 0; i < taken.Length; i++)
            {
                taken[i] = _deliveries.Dequeue();
                _bytes -= taken[i].Body.Length;
            }
            consumer.OnBuffered(_deliveries.Count, _bytes);
            return taken;
        }
    }

    public void Ack(ulong deliveryTag, bool multiple)
    {
        if (Channel is not { IsOpen: true } channel) { return; }
        try
        {
            ValueTask acking = channel.BasicAckAsync(deliveryTag, multiple);
            if (!acking.IsCompletedSuccessfully) { _ = AwaitAckAsync(acking); }
        }
        catch (Exception)
        {
            // The channel has ended, which fails the consumer by itself.
        }
    }

    /// <summary>Takes nothing more, drops what it holds and reports nothing.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            _deliveries.Clear();
            _bytes = 0;
            consumer.OnBuffered(0, 0);
        }
    }

    public Task HandleBasicDeliverAsync(
        string consumerTag, ulong deliveryTag, bool redelivered, string exchange, string routingKey,
        IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        // Thrown in here, an exception would be an event at most, and the next message would come all the
        // same.
        try
        {
            // The client takes the body's memory back when this returns.
            Add(new AmqpDelivery(deliveryTag, redelivered, exchange, routingKey, properties, body.ToArray(),
                ackMode == AckMode.Explicit ? tag => Ack(tag, multiple: false) : null));
        }
        catch (Exception cause)
        {
            Fail(cause);
        }
        return Task.CompletedTask;
    }

    public Task HandleBasicCancelAsync(string consumerTag, CancellationToken cancellationToken)
    {
        Fail(new AmqpConsumerCancelledException("The broker cancelled the consumer: the queue was deleted."));
        return Task.CompletedTask;
    }

    public Task HandleChannelShutdownAsync(object channel, ShutdownEventArgs reason)
    {
        string because = AmqpErrors.Describe(reason);
        Fail(new AmqpConsumerLostException($"The consumer's connection ended: {because}."));
        return Task.CompletedTask;
    }

    public Task HandleCallbackExceptionAsync(object channel, CallbackExceptionEventArgs thrown)
    {
        Fail(thrown.Exception);
        return Task.CompletedTask;
    }

    public Task HandleBasicCancelOkAsync(string consumerTag, CancellationToken cancellationToken) =>
        Task.CompletedTask;

    public Task HandleBasicConsumeOkAsync(string consumerTag, CancellationToken cancellationToken) =>
        Task.CompletedTask;

    private void Add(AmqpDelivery delivery)
    {
        bool announce;
        lock (_gate)
        {
            // After a failure the next delivery would follow a gap.
            if (_isClosed) { return; }
            _deliveries.Enqueue(delivery);
            _bytes += delivery.Body.Length;
            consumer.OnBuffered(_deliveries.Count, _bytes);
            announce = _isAwaited;
            _isAwaited = false;
        }
        if (announce) { arrived(); }
    }

    private void Fail(Exception cause)
    {
        lock (_gate)
        {
            if (_isClosed) { return; }
            _isClosed = true;
        }
        fail(cause);
    }

    private async Task AwaitAckAsync(ValueTask acking)
    {
        try
        {
            await acking;
        }
        catch (Exception cause)
        {
            // Without it the broker would stop sending one day, and nothing would say why.
            Fail(new AmqpConsumerLostException($"An ack could not be sent: {cause.Message}"));
        }
    }
}
