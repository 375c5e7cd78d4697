using Akka.Streams;
using Akka.Streams.Dsl;
using Akka.Streams.Stage;
using RabbitMQ.Client;

namespace Kv.Actors.Log.Amqp;

/// <summary>What to consume, and how.</summary>
public sealed record AmqpSubscription
{
    /// <summary>What the connection is for: part of its name at the broker.</summary>
    public required string Purpose { get; init; }

    /// <summary>
    /// Runs on the consumer's own connection before the subscription and answers the queue's name. An
    /// exclusive queue is declared here: no other connection could read it. May run more than once.
    /// </summary>
    public required Func<IChannel, CancellationToken, Task<string>> PrepareAsync { get; init; }

    public AckMode AckMode { get; init; } = AckMode.OnDemand;

    /// <summary>Where in a stream to begin; null for other queues.</summary>
    public StreamPosition? From { get; init; }

    /// <summary>Most deliveries in one element, 1 to 65,535. An element never waits to be filled.</summary>
    public int BatchMax
    {
        get;
        init => field = value is >= 1 and <= ushort.MaxValue
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, "1 to 65,535 deliveries.");
    } = 1;
}

/// <summary>
/// A source of a queue's or stream's messages, each materialisation with its own connection. It takes
/// from the broker as downstream demands, beyond a bounded read-ahead; see <see
/// cref="AmqpOptions.Prefetch"/>.
/// </summary>
/// <remarks>
/// Never completes by itself. It fails with <see cref="LogUnavailableException"/> or one of its kin if it
/// cannot subscribe, <see cref="AmqpConsumerLostException"/> when the connection ends, and <see
/// cref="AmqpConsumerCancelledException"/> when the queue is deleted; what it had read ahead is dropped
/// then. When it ends for any reason it closes the connection, and <see cref="AmqpConsumer.Closed"/> says
/// when.
/// </remarks>
public sealed class AmqpConsumerSource(
    AmqpOptions options, AmqpSubscription subscription, Action<AmqpEvent>? observer = null)
    : GraphStageWithMaterializedValue<SourceShape<IReadOnlyList<AmqpDelivery>>, AmqpConsumer>
{
    private readonly Outlet<IReadOnlyList<AmqpDelivery>> _out = new("AmqpConsumerSource.out");

    public override SourceShape<IReadOnlyList<AmqpDelivery>> Shape => new(_out);

    /// <summary>The messages one by one.</summary>
    public static Source<AmqpDelivery, AmqpConsumer> OneByOne(
        AmqpOptions options, AmqpSubscription subscription, Action<AmqpEvent>? observer = null) =>
        Source.FromGraph(new AmqpConsumerSource(options, subscription with { BatchMax = 1 }, observer))
            .Select(batch => batch[0]);

    public override ILogicAndMaterializedValue<AmqpConsumer> CreateLogicAndMaterializedValue(
        Attributes inheritedAttributes)
    {
        var consumer = new AmqpConsumer();
        return new LogicAndMaterializedValue<AmqpConsumer>(new Logic(this, consumer), consumer);
    }

    private AmqpOptions Options { get; } = options.Validate();

    private AmqpSubscription Subscription { get; } = subscription;

    private Action<AmqpEvent>? Observer { get; } = observer;

    private sealed class Logic : OutGraphStageLogic
    {
        private readonly AmqpConsumerSource _source;
        private readonly AmqpConsumer _consumer;
        private DeliveryInbox? _inbox;
        private Func<ValueTask>? _closeAsync;

        public Logic(AmqpConsumerSource source, AmqpConsumer consumer)
            : base(source.Shape)
        {
            _source = source;
            _consumer = consumer;
            SetHandler(source._out, this);
        }

        public override void PreStart()
        {
            Action<Exception> fail = GetAsyncCallback<Exception>(FailStage);
            _inbox = new DeliveryInbox(
                _source.Subscription.AckMode, _consumer, GetAsyncCallback(PushArrived), fail);
            var subscriber = new Subscriber(_source.Options, _source.Subscription, _source.Observer, _inbox);
            _closeAsync = subscriber.DisposeAsync;
            _ = FollowAsync(subscriber.Attaching, _consumer, fail);
        }

        public override void OnPull() => PushArrived();

        public override void PostStop()
        {
            _inbox!.Close();
            _ = CloseAsync(_closeAsync!, _consumer);
        }

        private static async Task FollowAsync(
            Task<string> attaching, AmqpConsumer consumer, Action<Exception> fail)
        {
            try
            {
                consumer.OnAttached(await attaching);
            }
            catch (OperationCanceledException)
            {
                // The stage has ended before it was attached, and wants to hear nothing more.
            }
            catch (Exception cause)
            {
                consumer.OnFailed(cause);
                fail(cause);
            }
        }

        private static async Task CloseAsync(Func<ValueTask> closeAsync, AmqpConsumer consumer)
        {
            await closeAsync();
            consumer.OnClosed();
        }

        private void PushArrived()
        {
            if (!IsAvailable(_source._out)) { return; }
            IReadOnlyList<AmqpDelivery> batch = _inbox!.Take(_source.Subscription.BatchMax);
            if (batch.Count == 0) { return; }
            Push(_source._out, batch);
            if (_source.Subscription.AckMode == AckMode.OnDemand)
            {
                _inbox.Ack(batch[^1].DeliveryTag, multiple: true);
            }
        }
    }
}
