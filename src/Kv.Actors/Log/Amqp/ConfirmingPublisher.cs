using RabbitMQ.Client;

namespace Kv.Actors.Log.Amqp;

/// <summary>
/// Publishes to any exchange in the order of the calls and says what became of each message. At most
/// <see cref="AmqpOptions.WindowMax"/> await their confirm; the others wait in line.
/// </summary>
/// <remarks>
/// Any thread. When the connection is lost, what awaits its confirm ends as unknown and what waits in
/// line as not published; the next call after a pause connects anew, and calls during the pause fail at
/// once.
/// </remarks>
public sealed class ConfirmingPublisher : IAsyncDisposable
{
    private readonly AmqpOptions _options;
    private readonly string _purpose;
    private readonly Func<AmqpLink, CancellationToken, Task> _prepare;
    private readonly Action<AmqpEvent>? _observer;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _gate = new();
    private readonly Backoff _backoff;

    // In the order of the calls. Those the caller gave up stay until it is their turn.
    private readonly Queue<Publication> _waiting = new();

    // The one in use, or null: then the next publish opens one.
    private PublishChannel? _channel;

    // True while PumpAsync runs: only one does, which keeps the order.
    private bool _isPumping;

    private ConfirmingPublisher(AmqpOptions options, string purpose,
        Func<AmqpLink, CancellationToken, Task> prepare, Action<AmqpEvent>? observer)
    {
        _options = options;
        _purpose = purpose;
        _prepare = prepare;
        _observer = observer;
        _backoff = new Backoff(options.ReconnectDelayMsMin, options.ReconnectDelayMsMax);
    }

    /// <summary>
    /// Why the broker takes no publishes at present (an alarm), or null. They fail meanwhile.
    /// </summary>
    public string? BlockedBecause { get { lock (_gate) { return _channel?.BlockedBecause; } } }

    /// <summary>True while there is a connection to publish on.</summary>
    public bool IsConnected { get { lock (_gate) { return _channel is { LostBecause: null }; } } }

    /// <summary>Connects.</summary>
    /// <param name="purpose">Part of the connection's name at the broker.</param>
    /// <param name="prepare">
    /// Runs on every new connection before anything is published on it: declares, or checks, what is needed.
    /// </param>
    /// <param name="observer">Told what happens to the connections; see <see cref="AmqpEvent"/>.</param>
    /// <exception cref="LogUnavailableException">No connection, or what is needed is not there.</exception>
    /// <exception cref="AmqpSettingMismatchException">What is declared exists with other
    /// settings.</exception>
    public static async Task<ConfirmingPublisher> OpenAsync(
        AmqpOptions options, string purpose, Func<AmqpLink, CancellationToken, Task> prepare,
        Action<AmqpEvent>? observer, CancellationToken stopping)
    {
        var publisher = new ConfirmingPublisher(options.Validate(), purpose, prepare, observer);
        publisher.Use(await PublishChannel.OpenAsync(options, purpose, prepare, observer, stopping));
        return publisher;
    }

    /// <summary>Publishes one message, mandatory, and completes when the broker has confirmed it.</summary>
    /// <remarks>
    /// The properties are copied, with <see cref="AmqpTopology.PublishSequenceHeader"/> added to the headers.
    /// Neither they nor the bytes may change until the task has ended.
    /// </remarks>
    /// <exception cref="LogUnavailableException">
    /// Not published and never will be, or published and dropped by the broker because no queue was bound.
    /// </exception>
    /// <exception cref="LogOutcomeUnknownException">It was handed over; the broker may have it.</exception>
    public async Task PublishAsync(
        string exchange, string routingKey, IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body,
        CancellationToken stopping)
    {
        var publication = new Publication(exchange, routingKey, properties, body);
        if (stopping.IsCancellationRequested) { publication.GiveUp(stopping); }
        Enqueue(publication);
        if (!stopping.CanBeCanceled)
        {
            await publication.Ended;
            return;
        }
        using CancellationTokenRegistration givingUp =
            stopping.Register(() => publication.GiveUp(stopping), useSynchronizationContext: false);
        await publication.Ended;
    }

    /// <summary>Closes the connection; what has no outcome yet ends as not published or unknown.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        PublishChannel? channel;
        List<Publication> refused;
        lock (_gate)
        {
            channel = _channel;
            _channel = null;
            refused = TakeWaiting();
        }
        Refuse(refused, "The publisher is closed.");
        if (channel is not null) { await channel.DisposeAsync(); }
    }

    private void Enqueue(Publication publication)
    {
        lock (_gate)
        {
            if (RefusalNow() is { } refusal) { throw new LogUnavailableException(refusal); }
            _waiting.Enqueue(publication);
            if (_isPumping) { return; }
            _isPumping = true;
        }
        _ = PumpAsync();
    }

    private string? RefusalNow()
    {
        if (_stopping.IsCancellationRequested) { return "The publisher is closed."; }
        if (_channel?.BlockedBecause is { } alarm) { return $"The broker takes no publishes now: {alarm}."; }
        if (_waiting.Count >= _options.WaitingMax) { return $"{_waiting.Count} publishes wait already."; }
        bool isPaused = _channel is null && _backoff.RemainingMs > 0;
        return isPaused ? $"Not connected; next attempt in {_backoff.RemainingMs} ms at the earliest." : null;
    }

    private async Task PumpAsync()
    {
        while (TryTakeNext(out Publication? next, out PublishChannel? channel))
        {
            if (channel is null)
            {
                await ConnectAsync();
            }
            else
            {
                await channel.SendAsync(next!);
            }
        }
    }

    /// <summary>
    /// The next to send and the channel to send it on; no channel when one has to be opened first.
    /// </summary>
    private bool TryTakeNext(out Publication? next, out PublishChannel? channel)
    {
        lock (_gate)
        {
            while (_waiting.TryPeek(out next) && next.Ended.IsCompleted) { _waiting.Dequeue(); }
            channel = _channel;
            if (next is null || channel is { IsFull: true })
            {
                _isPumping = false;
                return false;
            }
            if (channel is not null) { _waiting.Dequeue(); }
            return true;
        }
    }

    private async Task ConnectAsync()
    {
        try
        {
            Use(await PublishChannel.OpenAsync(_options, _purpose, _prepare, _observer, _stopping.Token));
        }
        catch (Exception cause)
        {
            List<Publication> refused;
            int delayMs;
            lock (_gate)
            {
                delayMs = _backoff.Fail();
                refused = TakeWaiting();
            }
            if (!_stopping.IsCancellationRequested)
            {
                _observer?.Invoke(new AmqpEvent.ConnectFailed(
                    AmqpLink.NameOf(_options, _purpose), cause, delayMs));
            }
            Refuse(refused, cause.Message, cause);
        }
    }

    private void Use(PublishChannel channel)
    {
        bool isClosed;
        lock (_gate)
        {
            isClosed = _stopping.IsCancellationRequested;
            if (!isClosed) { _channel = channel; }
        }
        if (isClosed)
        {
            _ = channel.DisposeAsync().AsTask();
            return;
        }
        channel.Changed += () => OnChanged(channel);
        // It may have changed, even ended, before that was subscribed.
        OnChanged(channel);
    }

    // On the connection's thread: nothing here may wait for the broker.
    private void OnChanged(PublishChannel channel)
    {
        List<Publication> refused = [];
        string? because;
        bool startPump;
        lock (_gate)
        {
            if (_channel != channel) { return; }
            if (channel.HasConfirmed) { _backoff.Reset(); }
            because = channel.LostBecause ?? channel.BlockedBecause;
            if (because is not null) { refused = TakeWaiting(); }
            if (channel.LostBecause is not null)
            {
                _channel = null;
                _backoff.Fail();
            }
            startPump = !_isPumping && _waiting.Count > 0;
            _isPumping |= startPump;
        }
        Refuse(refused, $"Not published: {because}.");
        if (startPump) { _ = Task.Run(PumpAsync); }
    }

    private List<Publication> TakeWaiting()
    {
        List<Publication> taken = [.. _waiting];
        _waiting.Clear();
        return taken;
    }

    private static void Refuse(List<Publication> publications, string because, Exception? cause = null)
    {
        foreach (Publication publication in publications)
        {
            publication.Fail(cause as LogMissingException is { } missing
                ? new LogMissingException(missing.Message, missing)
                : new LogUnavailableException(because, cause));
        }
    }
}
