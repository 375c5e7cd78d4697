using Kv.Actors.Log.Amqp;

namespace Kv.Host.Nodes;

/// <summary>Connections' events as log lines.</summary>
internal static class AmqpEventLog
{
    public static Action<AmqpEvent> To(ILogger logger) => happened =>
    {
        switch (happened)
        {
            case AmqpEvent.Connected connected:
                logger.LogDebug(
                    "{Connection} is connected to {Endpoint}", connected.Connection, connected.Endpoint);
                break;
            case AmqpEvent.Closed closed:
                logger.LogDebug("{Connection} is closed", closed.Connection);
                break;
            case AmqpEvent.Lost lost:
                logger.LogWarning("{Connection} lost the broker: {Reason}", lost.Connection, lost.Reason);
                break;
            case AmqpEvent.ConnectFailed failed:
                logger.LogWarning(
                    "{Connection} cannot connect: {Cause}; again in {RetryDelayMs} ms",
                    failed.Connection,
                    failed.Cause.Message.TrimEnd('.'),
                    failed.RetryDelayMs);
                break;
            case AmqpEvent.Blocked blocked:
                logger.LogError(
                    "{Connection} is blocked by the broker: {Reason}", blocked.Connection, blocked.Reason);
                break;
            case AmqpEvent.Unblocked unblocked:
                logger.LogInformation("{Connection} is no longer blocked", unblocked.Connection);
                break;
            case AmqpEvent.Unroutable unroutable:
                // Where it is the log, the publisher's outage and the status say what it means.
                logger.LogWarning(
                    "{Connection}: nobody gets what is sent to exchange {Exchange}: {Reason}",
                    unroutable.Connection,
                    unroutable.Exchange,
                    unroutable.Reason);
                break;
        }
    };
}
