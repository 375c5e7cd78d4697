using System.Buffers;
using System.Text;
using Akka.Streams;
using Akka.Streams.Dsl;
using Kv.Actors.Log;
using Kv.Actors.Log.Amqp;
using RabbitMQ.Client;
using Xunit.Abstractions;

namespace Kv.Host.Tests.Amqp;

[Collection(SharedBroker.Name)]
public sealed class AmqpConsumerSourceTests(RabbitMqBroker broker, ITestOutputHelper output)
    : AmqpTest(broker, output)
{
    private SharedKillSwitch _stop = KillSwitches.Shared("first");

    [Fact]
    public async Task An_exclusive_queue_delivers_in_order_as_it_is_acked()
    {
        await using ConfirmingPublisher publisher = await OpenPublisherAsync();
        (AmqpConsumer consumer, ISinkQueue<AmqpDelivery> queue) = Run(ExclusiveQueue(), prefetch: 2);
        await InTimeAsync(consumer.Attached);
        string[] texts = [.. Enumerable.Range(0, 50).Select(i => $"{i}")];

        foreach (string text in texts) { await PublishAsync(publisher, text); }
        var delivered = new List<string>();
        foreach (string _ in texts)
        {
            AmqpDelivery delivery = await PullAsync(queue);
            delivered.Add(Encoding.UTF8.GetString(delivery.Body.Span));
            delivery.Ack();
            delivery.Ack();
        }

        Assert.Equal(texts, delivered);
        Assert.InRange(consumer.BufferedPeak, 1, 2);
    }

    [Fact]
    public async Task What_is_not_acked_holds_back_the_rest()
    {
        await using ConfirmingPublisher publisher = await OpenPublisherAsync();
        (AmqpConsumer consumer, ISinkQueue<AmqpDelivery> queue) = Run(DurableQueue(), prefetch: 2);
        string name = await InTimeAsync(consumer.Attached);

        foreach (int i in Enumerable.Range(0, 5)) { await PublishAsync(publisher, $"{i}"); }
        AmqpDelivery first = await PullAsync(queue);
        await PullAsync(queue);
        uint heldBack = await ReadyAsync(name);
        first.Ack();
        await PullAsync(queue);

        Assert.Equal(3u, heldBack);
        Assert.Equal(2u, await ReadyAsync(name));
    }

    [Fact]
    public async Task What_was_acked_is_not_delivered_to_the_next_consumer_and_what_was_not_is()
    {
        await using ConfirmingPublisher publisher = await OpenPublisherAsync();
        (AmqpConsumer consumer, ISinkQueue<AmqpDelivery> queue) = Run(DurableQueue());
        await InTimeAsync(consumer.Attached);
        foreach (string text in (string[])["acked", "not acked"]) { await PublishAsync(publisher, text); }

        (await PullAsync(queue)).Ack();
        await PullAsync(queue);
        _stop.Shutdown();
        await InTimeAsync(consumer.Closed);
        _stop = KillSwitches.Shared("second");
        AmqpDelivery again = await PullAsync(Run(DurableQueue()).Queue);

        Assert.Equal("not acked", Encoding.UTF8.GetString(again.Body.Span));
        Assert.True(again.Redelivered);
        Assert.Null(again.StreamOffset);
    }

    [Fact]
    public async Task A_deleted_queue_fails_its_consumer()
    {
        (AmqpConsumer consumer, ISinkQueue<AmqpDelivery> queue) = Run(DurableQueue());
        string name = await InTimeAsync(consumer.Attached);

        await AtBrokerAsync(channel => channel.QueueDeleteAsync(name));

        await Assert.ThrowsAsync<AmqpConsumerCancelledException>(() => PullAsync(queue));
        await InTimeAsync(consumer.Closed);
    }

    [Fact]
    public async Task A_source_that_acks_by_itself_refuses_to_be_acked()
    {
        await using ConfirmingPublisher publisher = await OpenPublisherAsync();
        (AmqpConsumer consumer, ISinkQueue<AmqpDelivery> queue) =
            Run(ExclusiveQueue() with { AckMode = AckMode.OnDemand });
        await InTimeAsync(consumer.Attached);
        await PublishAsync(publisher, "text");

        AmqpDelivery delivery = await PullAsync(queue);

        Assert.Throws<InvalidOperationException>(delivery.Ack);
    }

    [Fact]
    public async Task An_exception_in_the_clients_callback_fails_the_consumer_and_nothing_follows_the_gap()
    {
        var failure = new TaskCompletionSource<Exception>();
        var inbox = new DeliveryInbox(AckMode.OnDemand, new AmqpConsumer(), () => { }, failure.SetResult);
        using var unreadable = new BrokenMemory();

        await DeliverAsync(1, Bytes("1"));
        await DeliverAsync(2, unreadable.Memory);
        await DeliverAsync(3, Bytes("3"));

        Assert.IsType<IOException>(await failure.Task);
        Assert.Equal([1UL], inbox.Take(10).Select(delivery => delivery.DeliveryTag));

        Task DeliverAsync(ulong tag, ReadOnlyMemory<byte> body) => inbox.HandleBasicDeliverAsync(
            "", tag, redelivered: false, "", "", new BasicProperties(), body, CancellationToken.None);
    }

    [Fact]
    public async Task A_consumer_that_cannot_reach_the_broker_fails_and_says_where_it_looked()
    {
        AmqpOptions nowhere = Options with
        {
            Brokers = new BrokerList(
                [new("amqp://guest:secret@127.0.0.1:1/"), new("amqp://guest:secret@127.0.0.1:2/")]),
        };
        (AmqpConsumer consumer, ISinkQueue<AmqpDelivery> queue) =
            AmqpConsumerSource.OneByOne(nowhere, ExclusiveQueue())
                .ToMaterialized(Sink.Queue<AmqpDelivery>(), Keep.Both).Run(Materializer);

        var failure = await Assert.ThrowsAsync<LogUnavailableException>(() => PullAsync(queue));

        Assert.Contains("127.0.0.1:1:", failure.Message);
        Assert.Contains("127.0.0.1:2:", failure.Message);
        Assert.DoesNotContain("secret", failure.ToString());
        await Assert.ThrowsAsync<LogUnavailableException>(() => InTimeAsync(consumer.Attached));
        await InTimeAsync(consumer.Closed);
    }

    [Fact]
    public async Task A_message_arrives_with_the_properties_given_and_the_callers_stay_as_they_were()
    {
        await using ConfirmingPublisher publisher = await OpenPublisherAsync();
        (AmqpConsumer consumer, ISinkQueue<AmqpDelivery> queue) = Run(ExclusiveQueue());
        await InTimeAsync(consumer.Attached);
        var properties = new BasicProperties
        {
            ContentType = "application/json",
            MessageId = "one",
            Headers = new Dictionary<string, object?> { ["lamport"] = 7L },
        };

        await publisher.PublishAsync(
            Options.ExchangeName, "", properties, Bytes("""{"key":"k"}"""), CancellationToken.None);
        AmqpDelivery delivery = await PullAsync(queue);

        Assert.Equal("application/json", delivery.Properties.ContentType);
        Assert.Equal("one", delivery.Properties.MessageId);
        Assert.Equal(7L, delivery.Properties.Headers!["lamport"]);
        Assert.Equal(["lamport"], properties.Headers.Keys);
    }

    [Fact]
    public async Task Of_messages_in_flight_together_only_the_unroutable_ones_are_refused()
    {
        await using ConfirmingPublisher publisher = await OpenPublisherAsync();
        (AmqpConsumer consumer, ISinkQueue<AmqpDelivery> queue) = Run(ExclusiveQueue());
        string name = await InTimeAsync(consumer.Attached);

        // The default exchange routes by queue name.
        Task[] publishes = [.. new[] { name, "nobody", name, "nobody" }.Select(key => publisher.PublishAsync(
            "", key, new BasicProperties(), Bytes(key), CancellationToken.None))];
        await Task.WhenAll(publishes).ContinueWith(_ => { }, TaskScheduler.Default);

        Assert.Equal([true, false, true, false], publishes.Select(task => task.IsCompletedSuccessfully));
        Assert.IsType<LogUnavailableException>(publishes[1].Exception!.InnerException);
    }

    private async Task<uint> ReadyAsync(string queue)
    {
        uint ready = 0;
        await AtBrokerAsync(async channel => ready = await channel.MessageCountAsync(queue));
        return ready;
    }

    private static async Task<AmqpDelivery> PullAsync(ISinkQueue<AmqpDelivery> queue) =>
        (await InTimeAsync(queue.PullAsync())).Value;

    private Task<ConfirmingPublisher> OpenPublisherAsync() => ConfirmingPublisher.OpenAsync(
        Options, "publish",
        (link, token) => link.WithChannelAsync("declare", DeclareExchangeAsync, token),
        Observe, CancellationToken.None);

    private Task PublishAsync(ConfirmingPublisher publisher, string text) => publisher.PublishAsync(
        Options.ExchangeName, "", new BasicProperties(), Bytes(text), CancellationToken.None);

    private AmqpSubscription ExclusiveQueue() => new()
    {
        Purpose = "exclusive",
        AckMode = AckMode.Explicit,
        PrepareAsync = async (channel, token) =>
        {
            await DeclareExchangeAsync(channel, token);
            QueueDeclareOk queue = await channel.QueueDeclareAsync("", durable: false, exclusive: true,
                autoDelete: true, cancellationToken: token);
            await channel.QueueBindAsync(queue.QueueName, Options.ExchangeName, "", cancellationToken: token);
            return queue.QueueName;
        },
    };

    private AmqpSubscription DurableQueue() => new()
    {
        Purpose = "durable",
        AckMode = AckMode.Explicit,
        PrepareAsync = async (channel, token) =>
        {
            await DeclareExchangeAsync(channel, token);
            string name = $"{Options.ExchangeName}.node";
            await channel.QueueDeclareAsync(name, durable: true, exclusive: false, autoDelete: false,
                cancellationToken: token);
            await channel.QueueBindAsync(name, Options.ExchangeName, "", cancellationToken: token);
            return name;
        },
    };

    private Task DeclareExchangeAsync(IChannel channel, CancellationToken token) =>
        channel.ExchangeDeclareAsync(
            Options.ExchangeName, ExchangeType.Fanout, durable: true, cancellationToken: token);

    private (AmqpConsumer Consumer, ISinkQueue<AmqpDelivery> Queue) Run(
        AmqpSubscription subscription, int prefetch = 100) =>
        AmqpConsumerSource.OneByOne(Options with { Prefetch = prefetch }, subscription, Observe)
            .ViaMaterialized(_stop.Flow<AmqpDelivery>(), Keep.Left)
            .ToMaterialized(
                Sink.Queue<AmqpDelivery>().WithAttributes(Attributes.CreateInputBuffer(1, 1)), Keep.Both)
            .Run(Materializer);

    private sealed class BrokenMemory : MemoryManager<byte>
    {
        public override Memory<byte> Memory => CreateMemory(1);

        public override Span<byte> GetSpan() => throw new IOException("unreadable");

        public override MemoryHandle Pin(int elementIndex = 0) => throw new NotSupportedException();

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
