using Akka;
using Akka.Streams.Dsl;
using RabbitMQ.Client;

namespace Kv.Actors.Log.Amqp;

/// <summary>Whether opening the log may create it.</summary>
public enum LogDeclaration
{
    /// <summary>
    /// Creates exchange, stream and binding where they are missing: only for a node that founds.
    /// </summary>
    CreateIfMissing,

    /// <summary>
    /// Creates nothing and fails with <see cref="LogMissingException"/> where something is missing.
    /// </summary>
    MustExist,
}

/// <summary>The replication log as one RabbitMQ stream; see <see cref="AmqpTopology"/>.</summary>
/// <remarks>
/// Publishing has one connection, made anew when it is lost, by the next append after a pause. Once the
/// log has been open it is never created again: if it is gone, appends and reads fail with <see
/// cref="LogMissingException"/>. A confirmed entry has been written by a majority of the stream's
/// replicas but not fsynced: RabbitMQ streams never are.
/// </remarks>
public sealed class AmqpStreamLog : IReplicationLog
{
    private static readonly BasicProperties EntryProperties = new()
    {
        ContentType = AmqpTopology.EntryContentType,
        Persistent = true,
    };

    private readonly AmqpOptions _options;
    private readonly Action<AmqpEvent>? _observer;
    private readonly ConfirmingPublisher _publisher;

    private AmqpStreamLog(AmqpOptions options, ConfirmingPublisher publisher, Action<AmqpEvent>? observer)
    {
        _options = options;
        _publisher = publisher;
        _observer = observer;
    }

    /// <summary>
    /// Why the broker takes no entries at present (an alarm), or null. Appends fail meanwhile.
    /// </summary>
    public string? BlockedBecause => _publisher.BlockedBecause;

    /// <summary>True while there is a connection to append by.</summary>
    public bool IsConnected => _publisher.IsConnected;

    /// <summary>Connects, and creates or finds the log.</summary>
    /// <exception cref="LogMissingException">It must exist and does not.</exception>
    /// <exception cref="LogUnavailableException">The broker cannot be reached; try again.</exception>
    /// <exception cref="AmqpSettingMismatchException">It exists with other settings.</exception>
    public static async Task<AmqpStreamLog> OpenAsync(
        AmqpOptions options,
        LogDeclaration declaration,
        Action<AmqpEvent>? observer,
        CancellationToken stopping)
    {
        bool mayCreate = declaration == LogDeclaration.CreateIfMissing;
        bool isCompared = false;
        ConfirmingPublisher publisher = await ConfirmingPublisher.OpenAsync(
            options, "append", PrepareAsync, observer, stopping);
        return new AmqpStreamLog(options, publisher, observer);

        async Task PrepareAsync(AmqpLink link, CancellationToken token)
        {
            if (mayCreate)
            {
                await AmqpTopology.DeclareAsync(link, options, token);
                // A log that was there and is gone is a loss to be noticed, not to be papered over.
                (mayCreate, isCompared) = (false, true);
                return;
            }
            await AmqpTopology.VerifyAsync(link, options, token);
            if (!isCompared)
            {
                await AmqpTopology.CompareAsync(link, options, token);
                isCompared = true;
            }
        }
    }

    public async Task AppendAsync(ReadOnlyMemory<byte> entry, CancellationToken stopping) =>
        await _publisher.PublishAsync(
            _options.ExchangeName, routingKey: "", EntryProperties, entry, stopping);

    public Source<IReadOnlyList<LogRecord>, NotUsed> Read(long fromOffset) =>
        ReadFrom(StreamPosition.At(fromOffset)).MapMaterializedValue(_ => NotUsed.Instance);

    /// <summary>
    /// As <see cref="Read"/>, from places that have no number too, and with a view of the consumer: at
    /// the tail, <see cref="AmqpConsumer.Attached"/> tells from when on nothing is missed.
    /// </summary>
    public Source<IReadOnlyList<LogRecord>, AmqpConsumer> ReadFrom(StreamPosition position) =>
        Source.FromGraph(new AmqpConsumerSource(_options, Subscription(position), _observer))
            .Select(ToRecords);

    public Source<IReadOnlyList<LogRecord>, Task> ReadTail() =>
        ReadFrom(StreamPosition.Next).MapMaterializedValue(static Task (consumer) => consumer.Attached);

    /// <summary>Closes the appending connection. Readers go on: they end with their streams.</summary>
    public ValueTask DisposeAsync() => _publisher.DisposeAsync();

    private AmqpSubscription Subscription(StreamPosition position) => new()
    {
        Purpose = "read",
        From = position,
        AckMode = AckMode.OnDemand,
        BatchMax = IReplicationLog.LogRecordsMax,
        PrepareAsync = async (channel, token) =>
            await channel.QueueDeclarePassiveAsync(_options.StreamName, token),
    };

    private IReadOnlyList<LogRecord> ToRecords(IReadOnlyList<AmqpDelivery> batch)
    {
        var records = new LogRecord[batch.Count];
        for (int i = 0; i < records.Length; i++)
        {
            long offset = batch[i].StreamOffset ?? throw new InvalidDataException(
                $"A delivery from {_options.StreamName} has no {AmqpTopology.OffsetHeader}: no stream.");
            records[i] = new LogRecord(offset, batch[i].Body);
        }
        return records;
    }
}
