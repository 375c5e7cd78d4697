using RabbitMQ.Client;

namespace Kv.Actors.Log.Amqp;

/// <summary>When the broker is told that a delivery is done with.</summary>
public enum AckMode
{
    /// <summary>When it is handed downstream. For streams, where an ack only asks for more.</summary>
    OnDemand,

    /// <summary>
    /// When <see cref="AmqpDelivery.Ack"/> is called. What is not acked when the connection ends, a queue
    /// that outlives it delivers again.
    /// </summary>
    Explicit,
}

/// <summary>A message as it came. Body and properties belong to the receiver.</summary>
public sealed class AmqpDelivery
{
    private readonly Action<ulong>? _ack;
    private int _acked;

    internal AmqpDelivery(ulong deliveryTag, bool redelivered, string exchange, string routingKey,
        IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body, Action<ulong>? ack)
    {
        DeliveryTag = deliveryTag;
        Redelivered = redelivered;
        Exchange = exchange;
        RoutingKey = routingKey;
        Properties = properties;
        Body = body;
        _ack = ack;
    }

    /// <summary>Numbers this consumer's deliveries from 1.</summary>
    public ulong DeliveryTag { get; }

    /// <summary>True if it may have been delivered before.</summary>
    public bool Redelivered { get; }

    public string Exchange { get; }

    public string RoutingKey { get; }

    public IReadOnlyBasicProperties Properties { get; }

    public ReadOnlyMemory<byte> Body { get; }

    /// <summary>Its place in the stream, or null if it does not come from a stream.</summary>
    public long? StreamOffset =>
        Properties.Headers is { } headers
        && headers.TryGetValue(AmqpTopology.OffsetHeader, out object? offset) ? offset as long? : null;

    /// <summary>
    /// Tells the broker that it is done with. Any thread; a second call does nothing, and after the
    /// consumer has ended neither does the first.
    /// </summary>
    /// <exception cref="InvalidOperationException">The source acks by itself.</exception>
    public void Ack()
    {
        if (_ack is null)
        {
            throw new InvalidOperationException($"This source's mode is not {nameof(AckMode.Explicit)}.");
        }
        if (Interlocked.Exchange(ref _acked, 1) == 0) { _ack(DeliveryTag); }
    }
}
