using Akka.Streams.Dsl;
using Kv.Actors.Log;
using Kv.Actors.Log.Amqp;
using RabbitMQ.Client;

namespace Kv.Actors.Fanouts;

/// <summary>A node's queue on an exchange.</summary>
public sealed record AmqpQueue
{
    /// <summary>Created if missing; one that exists is taken as it is, whoever declared it.</summary>
    public required string Exchange { get; init; }

    /// <summary>
    /// Name of a queue that outlives the node, bound once and for all; null: a queue of the connection's own
    /// that ends with it.
    /// </summary>
    public string? DurableName { get; init; }

    /// <summary>An exchange that is made is durable, as are messages in a durable queue.</summary>
    public bool IsExchangeDurable { get; init; } = true;

    /// <summary>
    /// Bytes the broker keeps for this node, 1 GiB; beyond, the oldest message goes and its gap is repaired
    /// by anti-entropy. Fixed when a durable queue is created.
    /// </summary>
    public long BytesMax { get; init; } = 1L << 30;

    /// <summary>
    /// How long a durable queue stays without its node, ms, 7 days. Fixed when it is created.
    /// </summary>
    public long ExpiresMs { get; init; } = 7L * 24 * 3_600 * 1_000;
}

/// <summary>
/// Fanout exchanges of one node on a RabbitMQ broker: one connection publishes for all, each queue is read by
/// one of its own.
/// </summary>
/// <remarks>Any thread. It connects when first used and again by itself when used after a loss.</remarks>
public sealed class AmqpFanouts : IAsyncDisposable
{
    private const int DeliveriesMax = 128;

    private readonly AmqpOptions _options;
    private readonly Action<AmqpEvent>? _observer;
    private readonly IReadOnlyList<AmqpQueue> _queues;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _gate = new();
    private Task<ConfirmingPublisher>? _opening;
    private int _open;

    public AmqpFanouts(
        AmqpOptions options, IReadOnlyList<AmqpQueue> queues, Action<AmqpEvent>? observer = null)
    {
        _options = options.Validate();
        _queues = queues;
        _observer = observer;
        _open = queues.Count;
        Fanouts = [.. queues.Select(queue => new Fanout(this, queue))];
    }

    /// <summary>One for each queue; when the last is disposed of, so is the connection.</summary>
    public IReadOnlyList<IFanout> Fanouts { get; }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        Task<ConfirmingPublisher>? opening;
        lock (_gate) { opening = _opening; }
        if (opening is null) { return; }
        await ((Task)opening).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (opening.IsCompletedSuccessfully) { await opening.Result.DisposeAsync(); }
    }

    private string? UnavailableBecause()
    {
        Task<ConfirmingPublisher>? opening;
        lock (_gate) { opening = _opening; }
        if (opening is not { IsCompletedSuccessfully: true }) { return "Not connected to the broker."; }
        ConfirmingPublisher publisher = opening.Result;
        if (publisher.BlockedBecause is { } blocked)
        {
            return $"The broker takes no messages now: {blocked}";
        }
        return publisher.IsConnected ? null : "Not connected to the broker.";
    }

    /// <summary>Opens the publisher once; after a failure the next caller tries again.</summary>
    private Task<ConfirmingPublisher> PublisherAsync()
    {
        lock (_gate)
        {
            if (_opening is null or { IsFaulted: true } or { IsCanceled: true })
            {
                _opening = ConfirmingPublisher.OpenAsync(
                    _options, "publish", DeclareExchangesAsync, _observer, _stopping.Token);
            }
            return _opening;
        }
    }

    private async Task DeclareExchangesAsync(AmqpLink link, CancellationToken stopping)
    {
        foreach (AmqpQueue queue in _queues) { await DeclareExchangeAsync(link, queue, stopping); }
    }

    private static async Task DeclareExchangeAsync(AmqpLink link, AmqpQueue queue, CancellationToken stopping)
    {
        try
        {
            // A foreign node may have declared it otherwise: that is no reason not to use it.
            await link.WithChannelAsync($"find exchange {queue.Exchange}", (channel, token) =>
                channel.ExchangeDeclarePassiveAsync(queue.Exchange, token), stopping);
        }
        catch (LogMissingException)
        {
            await link.WithChannelAsync($"declare exchange {queue.Exchange}", (channel, token) =>
                channel.ExchangeDeclareAsync(queue.Exchange, ExchangeType.Fanout, queue.IsExchangeDurable,
                    autoDelete: false, cancellationToken: token), stopping);
        }
    }

    private sealed class Fanout(AmqpFanouts broker, AmqpQueue queue) : IFanout
    {
        private int _disposed;

        public string? UnavailableBecause => broker.UnavailableBecause();

        public async Task PublishAsync(FanoutMessage message, CancellationToken stopping)
        {
            ConfirmingPublisher publisher = await OpenAsync(stopping);
            var properties = new BasicProperties
            {
                ContentType = message.ContentType,
                Persistent = queue.DurableName is not null,
                Headers = new Dictionary<string, object?>(message.Headers),
            };
            await publisher.PublishAsync(queue.Exchange, routingKey: "", properties, message.Body, stopping);
        }

        public Source<IReadOnlyList<FanoutDelivery>, Task> Deliveries()
        {
            var subscription = new AmqpSubscription
            {
                Purpose = $"read {queue.Exchange}",
                AckMode = AckMode.Explicit,
                BatchMax = DeliveriesMax,
                PrepareAsync = PrepareAsync,
            };
            return Source.FromGraph(new AmqpConsumerSource(broker._options, subscription, broker._observer))
                .Select(batch => (IReadOnlyList<FanoutDelivery>)[.. batch.Select(ToDelivery)])
                .MapMaterializedValue(consumer => (Task)consumer.Attached);
        }

        public ValueTask DisposeAsync()
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 1) { return ValueTask.CompletedTask; }
            return Interlocked.Decrement(ref broker._open) == 0
                ? broker.DisposeAsync()
                : ValueTask.CompletedTask;
        }

        private async Task<ConfirmingPublisher> OpenAsync(CancellationToken stopping)
        {
            try
            {
                return await broker.PublisherAsync().WaitAsync(stopping);
            }
            catch (Exception cause) when (cause is not LogUnavailableException)
            {
                throw new LogUnavailableException($"Not published: {cause.Message}", cause);
            }
        }

        private async Task<string> PrepareAsync(IChannel channel, CancellationToken token)
        {
            // On a link of its own, since a question after what does not exist costs the channel.
            await using (AmqpLink link = await AmqpLink.OpenAsync(
                broker._options, $"declare {queue.Exchange}", broker._observer, token))
            {
                await DeclareExchangeAsync(link, queue, token);
            }
            bool isDurable = queue.DurableName is not null;
            var arguments = new Dictionary<string, object?> { ["x-max-length-bytes"] = queue.BytesMax };
            if (isDurable) { arguments["x-expires"] = queue.ExpiresMs; }
            QueueDeclareOk declared = await channel.QueueDeclareAsync(queue.DurableName ?? "", isDurable,
                exclusive: !isDurable, autoDelete: false, arguments, cancellationToken: token);
            await channel.QueueBindAsync(
                declared.QueueName, queue.Exchange, routingKey: "", cancellationToken: token);
            return declared.QueueName;
        }

        private static FanoutDelivery ToDelivery(AmqpDelivery delivery) => new(
            delivery.Body,
            delivery.Properties.Headers is { } headers
                ? new Dictionary<string, object?>(headers)
                : FanoutMessage.NoHeaders,
            delivery.Ack);
    }
}
