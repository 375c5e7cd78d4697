using System.Text.RegularExpressions;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace Kv.Actors.Log.Amqp;

/// <summary>
/// The consumer's connection or channel is gone. Restart the source from the last applied offset.
/// </summary>
public sealed class AmqpConsumerLostException(string message) : Exception(message);

/// <summary>The broker ended the subscription, as it does when the queue is deleted.</summary>
public sealed class AmqpConsumerCancelledException(string message) : Exception(message);

/// <summary>
/// The exchange or stream exists with other settings than ours. Waiting does not help: give all nodes the
/// same.
/// </summary>
public sealed class AmqpSettingMismatchException(string message, Exception? cause = null)
    : Exception(message, cause);

internal static partial class AmqpErrors
{
    private const string MaxAge = "x-max-age";

    // What the broker calls each setting, and what we call it.
    private static readonly Dictionary<string, string> OptionOfArgument = new()
    {
        ["x-max-length-bytes"] = nameof(AmqpOptions.LogBytesMax),
        ["x-stream-max-segment-size-bytes"] = nameof(AmqpOptions.SegmentBytesMax),
        ["x-queue-type"] = $"{nameof(AmqpOptions.StreamName)} (it names something that is not a stream)",
        ["type"] = $"{nameof(AmqpOptions.ExchangeName)} (it names an exchange that is not a fanout)",
        ["durable"] = $"{nameof(AmqpOptions.ExchangeName)} or {nameof(AmqpOptions.StreamName)} (not durable)",
    };

    /// <summary>
    /// True for the 404 of a queue whose node has just restarted: the queue is there, its process not yet.
    /// </summary>
    public static bool IsHomeNodeDown(Exception cause) =>
        cause is OperationInterruptedException { ShutdownReason: { ReplyCode: Constants.NotFound } reason }
        && reason.ReplyText.Contains("down or inaccessible", StringComparison.Ordinal);

    /// <summary>True where the user may not do what was asked.</summary>
    public static bool IsAccessRefused(LogUnavailableException translated) =>
        translated.InnerException is OperationInterruptedException
        {
            ShutdownReason.ReplyCode: Constants.AccessRefused,
        };

    /// <summary>Says in our own terms why something could not be set up; nothing was published yet.</summary>
    public static Exception Translate(Exception cause, string doing) => cause switch
    {
        LogUnavailableException or AmqpSettingMismatchException => cause,
        OperationInterruptedException { ShutdownReason: { } reason } => Translate(reason, cause, doing),
        OperationCanceledException or TimeoutException =>
            new LogUnavailableException($"Cannot {doing}: the broker did not answer.", cause),
        BrokerUnreachableException { InnerException: { } inner } =>
            new LogUnavailableException($"Cannot {doing}: {Describe(inner)}.", cause),
        _ => new LogUnavailableException($"Cannot {doing}: {Describe(cause)}.", cause),
    };

    public static string Describe(ShutdownEventArgs reason) => reason switch
    {
        // The client's own reasons: the text is the exception's, or a lesser one.
        { Exception: { } cause } => Describe(cause),
        _ => $"{reason.ReplyCode} {reason.ReplyText}",
    };

    /// <summary>The innermost text, without its full stop: it goes into a sentence of ours.</summary>
    public static string Describe(Exception cause)
    {
        // GetBaseException stops short of "connection refused", at the first that is no AggregateException.
        while (cause.InnerException is { } inner) { cause = inner; }
        return cause.Message.TrimEnd('.');
    }

    private static Exception Translate(ShutdownEventArgs reason, Exception cause, string doing)
    {
        if (reason.ReplyCode == Constants.NotFound && !IsHomeNodeDown(cause))
        {
            return new LogMissingException($"Cannot {doing}: {reason.ReplyText}.", cause);
        }
        if (reason.ReplyCode == Constants.PreconditionFailed)
        {
            string argument = InequivalentArgument().Match(reason.ReplyText).Groups[1].Value;
            if (argument == MaxAge)
            {
                return new AmqpSettingMismatchException(
                    $"Cannot {doing}: it has an age limit ({MaxAge}), by which the broker drops what may be "
                        + "in no snapshot yet. A log is limited by its size alone.", cause);
            }
            string option = OptionOfArgument.GetValueOrDefault(argument, "a setting");
            return new AmqpSettingMismatchException(
                $"Cannot {doing}: it exists with another {option}; all nodes need the same. "
                + $"The broker says: {reason.ReplyText}.", cause);
        }
        return new LogUnavailableException($"Cannot {doing}: {Describe(reason)}.", cause);
    }

    [GeneratedRegex("inequivalent arg '([^']+)'")]
    private static partial Regex InequivalentArgument();
}
