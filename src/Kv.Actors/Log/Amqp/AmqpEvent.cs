namespace Kv.Actors.Log.Amqp;

/// <summary>
/// What happened to a connection. Observers are called on the connection's own thread: they must return
/// at once and must not throw.
/// </summary>
/// <param name="Connection">The client-provided name, as the broker lists it.</param>
public abstract record AmqpEvent(string Connection)
{
    public sealed record Connected(string Connection, string Endpoint) : AmqpEvent(Connection);

    /// <summary>Closed by us, in good order.</summary>
    public sealed record Closed(string Connection) : AmqpEvent(Connection);

    /// <summary>Closed by the broker or broken; whoever used it fails and connects anew.</summary>
    public sealed record Lost(string Connection, string Reason) : AmqpEvent(Connection);

    /// <summary>An attempt failed; none is made for <paramref name="RetryDelayMs"/>.</summary>
    public sealed record ConnectFailed(string Connection, Exception Cause, int RetryDelayMs)
        : AmqpEvent(Connection)
    {
        public override string ToString() =>
            $"{Connection}: {Cause.Message} Next attempt in {RetryDelayMs} ms.";
    }

    /// <summary>
    /// An alarm: the broker lacks memory or disk and takes nothing. Writes are refused meanwhile.
    /// </summary>
    public sealed record Blocked(string Connection, string Reason) : AmqpEvent(Connection);

    public sealed record Unblocked(string Connection) : AmqpEvent(Connection);

    /// <summary>The broker found no queue for a message: the log is unbound or gone.</summary>
    public sealed record Unroutable(string Connection, string Exchange, string Reason)
        : AmqpEvent(Connection);
}
