using RabbitMQ.Client;

namespace Kv.Actors.Log.Amqp;

/// <summary>What the log looks like on the broker, and the names it uses there.</summary>
/// <remarks>
/// <code>
/// every node ── mandatory ──> fanout exchange {ExchangeName} ── key "" ──> stream {StreamName}
///                                                     every node reads it from its own offset
/// </code>
/// Exchange and stream are durable and never auto-deleted. A stream's arguments are fixed at its creation
/// and are equal on all nodes: the broker refuses a declaration that differs. Only a node that founds the
/// cluster creates; afterwards everything is declared passively, so that a lost log is noticed and not
/// replaced by an empty one.
/// <para>
/// A message nobody is bound for comes back (basic.return), so an unbound or deleted stream is noticed by the
/// publisher, as long as the stream is the exchange's only queue. With a second one bound (someone's tap) the
/// message counts as routed; then only the reader notices, by a cancelled consumer, or by never reading
/// the entry.
/// </para>
/// <para>
/// Measured with RabbitMQ 3.10: a broker that is killed within about half a second of making the first stream
/// of its life never finds that stream again, and says "home node down" for ever. Later streams are safe.
/// </para>
/// </remarks>
public static class AmqpTopology
{
    /// <summary>
    /// The broker puts an entry's offset here, Int64. A publisher's own value is overwritten.
    /// </summary>
    public const string OffsetHeader = "x-stream-offset";

    /// <summary>
    /// Correlates a returned message with its publish, Int64: a return carries no sequence number.
    /// </summary>
    public const string PublishSequenceHeader = "kv-publish-sequence";

    /// <summary>Content type of a log entry.</summary>
    public const string EntryContentType = "application/octet-stream";

    /// <summary>The arguments the stream is created with.</summary>
    public static Dictionary<string, object?> StreamArguments(AmqpOptions options) => new()
    {
        ["x-queue-type"] = "stream",
        ["x-max-length-bytes"] = options.LogBytesMax,
        ["x-stream-max-segment-size-bytes"] = options.SegmentBytesMax,
    };

    /// <summary>Creates what is missing and checks the settings of what exists.</summary>
    /// <exception cref="AmqpSettingMismatchException">Something exists with other settings.</exception>
    /// <exception cref="LogUnavailableException">The broker did not do it.</exception>
    internal static async Task DeclareAsync(AmqpLink link, AmqpOptions options, CancellationToken stopping)
    {
        await link.WithChannelAsync($"declare exchange {options.ExchangeName}", (channel, token) =>
            channel.ExchangeDeclareAsync(options.ExchangeName, ExchangeType.Fanout, durable: true,
                autoDelete: false, cancellationToken: token), stopping);
        await DeclareStreamAsync(link, options, stopping);
        await link.WithChannelAsync($"bind stream {options.StreamName}", (channel, token) =>
            channel.QueueBindAsync(options.StreamName, options.ExchangeName, routingKey: "",
                cancellationToken: token), stopping);
    }

    /// <summary>
    /// Checks that exchange and stream exist, creating nothing. AMQP cannot show whether they are bound.
    /// </summary>
    /// <exception cref="LogMissingException">One of them does not exist.</exception>
    /// <exception cref="LogUnavailableException">The broker did not say.</exception>
    internal static async Task VerifyAsync(AmqpLink link, AmqpOptions options, CancellationToken stopping)
    {
        await link.WithChannelAsync($"find exchange {options.ExchangeName}", (channel, token) =>
            channel.ExchangeDeclarePassiveAsync(options.ExchangeName, token), stopping);
        await link.WithChannelAsync($"find stream {options.StreamName}", (channel, token) =>
            channel.QueueDeclarePassiveAsync(options.StreamName, token), stopping);
    }

    /// <summary>
    /// Compares the settings of a stream that is there with ours. A passive declaration does not: the stream
    /// is declared as for its creation, which changes nothing of one that exists. What a policy says cannot
    /// be seen over AMQP, nor anything by a user who may not configure.
    /// </summary>
    /// <exception cref="AmqpSettingMismatchException">It has others, an age limit for instance.</exception>
    /// <exception cref="LogUnavailableException">The broker did not say.</exception>
    internal static async Task CompareAsync(AmqpLink link, AmqpOptions options, CancellationToken stopping)
    {
        try
        {
            await DeclareStreamAsync(link, options, stopping);
        }
        catch (LogUnavailableException refused) when (AmqpErrors.IsAccessRefused(refused))
        {
            // Nothing can be seen then.
        }
    }

    private static Task DeclareStreamAsync(
        AmqpLink link, AmqpOptions options, CancellationToken stopping) =>
        link.WithChannelAsync($"declare stream {options.StreamName}", (channel, token) =>
            channel.QueueDeclareAsync(options.StreamName, durable: true, exclusive: false, autoDelete: false,
                StreamArguments(options), cancellationToken: token), stopping);
}
