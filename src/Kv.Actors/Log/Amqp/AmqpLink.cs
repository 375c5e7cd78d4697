using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Kv.Actors.Log.Amqp;

/// <summary>
/// One connection for one purpose. It never recovers by itself: who uses it fails with it and opens another.
/// It ends, too, when the node goes on to another broker; and the node does when this one fails.
/// </summary>
/// <remarks>
/// Any thread. The events are raised on the connection's own thread and must return at once.
/// </remarks>
public sealed class AmqpLink : IAsyncDisposable
{
    // How long closing in good order may take before the socket is just dropped.
    private const int CloseTimeoutMs = 5_000;
    private const int HomeNodeRetryDelayMs = 100;

    private readonly AmqpOptions _options;
    private readonly BrokerList.Broker _broker;
    private readonly IConnection _connection;
    private readonly Action<AmqpEvent>? _observer;
    private readonly CancellationTokenSource _gone = new();
    private volatile string? _blockedBecause;
    private volatile string? _abandonedBecause;
    private CancellationTokenRegistration _leaving;
    private int _closed;

    private AmqpLink(AmqpOptions options, BrokerList.Broker broker, IConnection connection,
        Action<AmqpEvent>? observer)
    {
        _options = options;
        _broker = broker;
        _connection = connection;
        _observer = observer;
        Name = connection.ClientProvidedName!;
        Gone = _gone.Token;
    }

    /// <summary>The name the broker lists this connection by.</summary>
    public string Name { get; }

    /// <summary>Cancelled when the connection has ended, whoever ended it.</summary>
    public CancellationToken Gone { get; }

    /// <summary>
    /// Why the broker takes no publishes on this connection at present, or null. The broker says so only
    /// after a publish has met the alarm: that one publish it takes.
    /// </summary>
    public string? BlockedBecause => _blockedBecause;

    /// <summary>Raised when <see cref="BlockedBecause"/> has changed.</summary>
    public event Action? BlockedChanged;

    /// <summary>Connects to the node's present broker, or else to the next that can be reached.</summary>
    /// <param name="purpose">What the connection is for: part of its name at the broker.</param>
    /// <exception cref="LogUnavailableException">
    /// No broker gave a connection in time; the text says why.
    /// </exception>
    public static async Task<AmqpLink> OpenAsync(
        AmqpOptions options, string purpose, Action<AmqpEvent>? observer, CancellationToken stopping)
    {
        List<Exception> failures = [];
        while (true)
        {
            BrokerList.Broker broker = options.Brokers.Current;
            try
            {
                return await OpenAsync(options, broker, purpose, observer, stopping);
            }
            catch (LogUnavailableException cause)
            {
                options.Brokers.Leave(broker);
                failures.Add(cause);
            }
            if (failures.Count == options.Brokers.Count)
            {
                throw new LogUnavailableException(
                    string.Join(' ', failures.Select(static failure => failure.Message)), failures[^1]);
            }
        }
    }

    private static async Task<AmqpLink> OpenAsync(AmqpOptions options, BrokerList.Broker broker,
        string purpose, Action<AmqpEvent>? observer, CancellationToken stopping)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        deadline.CancelAfter(options.ConnectTimeoutMs);
        Task<IConnection> connecting =
            Factory(options, broker, purpose).CreateConnectionAsync(deadline.Token);
        try
        {
            // The client tidies up for seconds after a handshake without answers; nobody waits for that.
            var link = new AmqpLink(
                options, broker, await connecting.WaitAsync(deadline.Token), observer);
            link.Observe();
            return link;
        }
        catch (Exception cause)
        {
            _ = connecting.ContinueWith(DropLate, TaskScheduler.Default);
            stopping.ThrowIfCancellationRequested();
            throw AmqpErrors.Translate(cause, $"connect to the broker at {broker.Endpoint}");
        }
    }

    /// <summary>The name of a link for <paramref name="purpose"/>, open or not.</summary>
    public static string NameOf(AmqpOptions options, string purpose) =>
        $"{options.ClientName} {purpose} {options.ExchangeName}";

    /// <summary>Opens a channel; the caller disposes of it, or of the link.</summary>
    public async Task<IChannel> OpenChannelAsync(
        CreateChannelOptions? channelOptions, CancellationToken stopping)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stopping, Gone);
        return await _connection.CreateChannelAsync(channelOptions, either.Token);
    }

    /// <summary>
    /// Does <paramref name="work"/> on a channel of its own, since an error closes the channel it happens
    /// on, and again while the broker says "home node down", up to <see
    /// cref="AmqpOptions.HomeNodeWaitMs"/>.
    /// </summary>
    /// <exception cref="LogMissingException">What it needs does not exist.</exception>
    /// <exception cref="AmqpSettingMismatchException">What it declares exists with other
    /// settings.</exception>
    /// <exception cref="LogUnavailableException">It failed otherwise.</exception>
    public Task WithChannelAsync(
        string doing, Func<IChannel, CancellationToken, Task> work, CancellationToken stopping) =>
        RetryHomeNodeAsync(doing, async token =>
        {
            await using IChannel channel = await OpenChannelAsync(null, token);
            await work(channel, token);
            return true;
        }, stopping);

    internal async Task<T> RetryHomeNodeAsync<T>(
        string doing, Func<CancellationToken, Task<T>> attempt, CancellationToken stopping)
    {
        long giveUpMs = Environment.TickCount64 + _options.HomeNodeWaitMs;
        while (true)
        {
            try
            {
                return await attempt(stopping);
            }
            catch (Exception cause)
                when (AmqpErrors.IsHomeNodeDown(cause) && Environment.TickCount64 < giveUpMs)
            {
                await Task.Delay(HomeNodeRetryDelayMs, stopping);
            }
            catch (Exception cause)
            {
                stopping.ThrowIfCancellationRequested();
                Exception translated = AmqpErrors.Translate(cause, doing);
                if (translated is LogUnavailableException and not LogMissingException)
                {
                    _options.Brokers.Leave(_broker);
                }
                throw translated;
            }
        }
    }

    /// <summary>Closes it because it is of no use any more, and reports it as lost. Never throws.</summary>
    internal async Task AbandonAsync(string because)
    {
        if (Volatile.Read(ref _closed) == 0) { _abandonedBecause = because; }
        await DisposeAsync();
    }

    /// <summary>Closes in good order, or drops the socket if that takes long. Never throws.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _closed, 1) == 1) { return; }
        _leaving.Unregister();
        try
        {
            await _connection.CloseAsync(Constants.ReplySuccess, "Goodbye",
                TimeSpan.FromMilliseconds(CloseTimeoutMs), abort: true, CancellationToken.None);
            await _connection.DisposeAsync();
        }
        catch (Exception)
        {
            // The connection was broken already, which its shutdown event has reported.
        }
    }

    private static ConnectionFactory Factory(
        AmqpOptions options, BrokerList.Broker broker, string purpose) => new()
    {
        Uri = broker.Uri,
        ClientProvidedName = NameOf(options, purpose),
        // One recovery mechanism, ours: the client's would resume a stream consumer at its first offset.
        AutomaticRecoveryEnabled = false,
        TopologyRecoveryEnabled = false,
        RequestedHeartbeat = TimeSpan.FromSeconds(options.HeartbeatS),
        RequestedConnectionTimeout = TimeSpan.FromMilliseconds(options.ConnectTimeoutMs),
        HandshakeContinuationTimeout = TimeSpan.FromMilliseconds(options.ConnectTimeoutMs),
        ContinuationTimeout = TimeSpan.FromMilliseconds(options.ConnectTimeoutMs),
        MaxInboundMessageBodySize = (uint)options.MessageBytesMax,
        // More than one would deliver out of order.
        ConsumerDispatchConcurrency = 1,
    };

    private static void DropLate(Task<IConnection> connecting)
    {
        if (connecting.IsCompletedSuccessfully)
        {
            _ = connecting.Result.AbortAsync();
        }
        else
        {
            _ = connecting.Exception;
        }
    }

    private void Observe()
    {
        _observer?.Invoke(new AmqpEvent.Connected(Name, _broker.Endpoint));
        _connection.ConnectionBlockedAsync += (_, blocked) =>
        {
            _blockedBecause = blocked.Reason;
            _observer?.Invoke(new AmqpEvent.Blocked(Name, blocked.Reason));
            BlockedChanged?.Invoke();
            return Task.CompletedTask;
        };
        _connection.ConnectionUnblockedAsync += (_, _) =>
        {
            _blockedBecause = null;
            _observer?.Invoke(new AmqpEvent.Unblocked(Name));
            BlockedChanged?.Invoke();
            return Task.CompletedTask;
        };
        _connection.ConnectionShutdownAsync += OnShutdownAsync;
        _leaving = _broker.Left.Register(() => _ = AbandonAsync("this node goes on at another broker"));
    }

    // Called at once if the connection has ended before this was subscribed.
    private Task OnShutdownAsync(object sender, ShutdownEventArgs reason)
    {
        bool isInGoodOrder = Volatile.Read(ref _closed) == 1 && _abandonedBecause is null;
        if (!isInGoodOrder) { _options.Brokers.Leave(_broker); }
        _observer?.Invoke(isInGoodOrder
            ? new AmqpEvent.Closed(Name)
            : new AmqpEvent.Lost(Name, _abandonedBecause ?? AmqpErrors.Describe(reason)));
        return _gone.CancelAsync();
    }
}
