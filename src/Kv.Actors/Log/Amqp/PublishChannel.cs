using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace Kv.Actors.Log.Amqp;

/// <summary>
/// One connection with one channel in confirm mode, from open to loss. It never comes back: its owner opens
/// another. Tracks confirms itself, which bounds them and allocates half as much as the client's tracking.
/// </summary>
/// <remarks>
/// Broker callbacks come on the connection's thread; <see cref="SendAsync"/> from one caller at a time.
/// <see cref="Changed"/> is raised without any lock held.
/// </remarks>
internal sealed class PublishChannel : IAsyncDisposable
{
    private readonly AmqpOptions _options;
    private readonly Action<AmqpEvent>? _observer;
    private readonly AmqpLink _link;
    private readonly IChannel _channel;
    private readonly Timer _overdue;
    private readonly Lock _gate = new();
    private readonly ConfirmWindow _window;

    // Set once, under the gate. Nothing enters the window after it, so nothing is left without an outcome.
    private string? _lostBecause;

    private PublishChannel(AmqpOptions options, AmqpLink link, IChannel channel, Action<AmqpEvent>? observer)
    {
        _options = options;
        _observer = observer;
        _link = link;
        _channel = channel;
        _window = new ConfirmWindow(options.WindowMax);
        _overdue = new Timer(_ => CheckOverdue());
    }

    /// <summary>
    /// Raised when a place is free again, the channel is lost, or the broker blocks or unblocks it.
    /// </summary>
    public event Action? Changed;

    /// <summary>Why nothing can be published on it any more, or null.</summary>
    public string? LostBecause { get { lock (_gate) { return _lostBecause; } } }

    /// <summary>Why the broker takes nothing at present, or null.</summary>
    public string? BlockedBecause => _link.BlockedBecause;

    /// <summary>True once the broker has confirmed something: the connection is good.</summary>
    public bool HasConfirmed { get; private set; }

    public bool IsFull { get { lock (_gate) { return _window.IsFull; } } }

    /// <param name="prepare">Checks, on the new link, that what is published to exists.</param>
    /// <exception cref="LogUnavailableException">Not connected, or <paramref name="prepare"/> failed
    /// so.</exception>
    public static async Task<PublishChannel> OpenAsync(
        AmqpOptions options, string purpose, Func<AmqpLink, CancellationToken, Task> prepare,
        Action<AmqpEvent>? observer, CancellationToken stopping)
    {
        AmqpLink link = await AmqpLink.OpenAsync(options, purpose, observer, stopping);
        try
        {
            await prepare(link, stopping);
            IChannel channel = await link.OpenChannelAsync(
                new CreateChannelOptions(publisherConfirmationsEnabled: true,
                    publisherConfirmationTrackingEnabled: false), stopping);
            var opened = new PublishChannel(options, link, channel, observer);
            opened.Subscribe();
            return opened;
        }
        catch (Exception cause)
        {
            await link.DisposeAsync();
            stopping.ThrowIfCancellationRequested();
            throw AmqpErrors.Translate(cause, "open a channel to publish on");
        }
    }

    /// <summary>Hands one message to the client; its outcome goes to the publication.</summary>
    public async Task SendAsync(Publication publication)
    {
        if (!publication.TryBeginSend()) { return; }
        try
        {
            if (!TryEnter(publication, out ulong sequence)) { return; }
            try
            {
                await _channel.BasicPublishAsync(
                    publication.Exchange, publication.RoutingKey, mandatory: true,
                    publication.PropertiesWith(sequence), publication.Body, _link.Gone);
            }
            catch (AlreadyClosedException cause)
            {
                // Thrown before anything is written.
                string because = AmqpErrors.Describe(cause);
                publication.Fail(new LogUnavailableException($"Not published: {because}.", cause));
                Lose(because);
            }
            catch (Exception cause)
            {
                // Whether it was written, and so whether the broker counted it, is not known: this channel
                // is over.
                Lose($"a publish failed: {AmqpErrors.Describe(cause)}");
            }
        }
        finally
        {
            publication.EndSend();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _link.DisposeAsync();
        Lose("closed by this node");
        await _overdue.DisposeAsync();
    }

    private void Subscribe()
    {
        _channel.BasicAcksAsync += OnAckAsync;
        _channel.BasicNacksAsync += OnNackAsync;
        _channel.BasicReturnAsync += OnReturnAsync;
        _channel.CallbackExceptionAsync += (_, thrown) =>
        {
            Lose($"a callback failed: {AmqpErrors.Describe(thrown.Exception)}");
            return Task.CompletedTask;
        };
        _link.BlockedChanged += OnBlockedChanged;
        // Called at once if the channel has ended before this was subscribed.
        _channel.ChannelShutdownAsync += (_, reason) =>
        {
            Lose(AmqpErrors.Describe(reason));
            return Task.CompletedTask;
        };
    }

    private bool TryEnter(Publication publication, out ulong sequence)
    {
        string? refusal;
        lock (_gate)
        {
            refusal = _lostBecause ?? _link.BlockedBecause;
            sequence = 0;
            if (refusal is null)
            {
                if (_window.IsEmpty) { _overdue.Change(_options.ConfirmTimeoutMs, Timeout.Infinite); }
                sequence = _window.Add(publication, NewDeadlineMs());
                return true;
            }
        }
        publication.Fail(new LogUnavailableException($"Not published: {refusal}."));
        return false;
    }

    private Task OnAckAsync(object sender, BasicAckEventArgs ack)
    {
        List<ConfirmWindow.Slot> taken;
        lock (_gate) { taken = _window.Take(ack.DeliveryTag, ack.Multiple); }
        foreach (ConfirmWindow.Slot slot in taken)
        {
            if (slot.ReturnedBecause is null)
            {
                slot.Publication.Confirm();
            }
            else
            {
                slot.Publication.Fail(Unroutable(slot));
            }
        }
        HasConfirmed = true;
        Changed?.Invoke();
        return Task.CompletedTask;
    }

    private Task OnNackAsync(object sender, BasicNackEventArgs nack)
    {
        List<ConfirmWindow.Slot> taken;
        lock (_gate) { taken = _window.Take(nack.DeliveryTag, nack.Multiple); }
        FailAll(taken, "The broker refused it (nack), which does not say that no replica has it.");
        Changed?.Invoke();
        return Task.CompletedTask;
    }

    // Comes before the ack of the same message, which names no reason; see ConfirmWindow.
    private Task OnReturnAsync(object sender, BasicReturnEventArgs returned)
    {
        _observer?.Invoke(new AmqpEvent.Unroutable(_link.Name, returned.Exchange, returned.ReplyText));
        bool known = false;
        object? header = null;
        returned.BasicProperties.Headers?.TryGetValue(AmqpTopology.PublishSequenceHeader, out header);
        if (header is long sequence)
        {
            lock (_gate) { known = _window.TryMarkReturned((ulong)sequence, returned.ReplyText); }
        }
        if (!known) { Lose("the broker returned a message that cannot be told"); }
        return Task.CompletedTask;
    }

    private void OnBlockedChanged()
    {
        lock (_gate)
        {
            // What is in flight gets its full time once the broker reads again.
            if (!_window.IsEmpty && _lostBecause is null && BlockedBecause is null)
            {
                _window.Extend(NewDeadlineMs());
                _overdue.Change(_options.ConfirmTimeoutMs, Timeout.Infinite);
            }
        }
        Changed?.Invoke();
    }

    private void CheckOverdue()
    {
        List<ConfirmWindow.Slot> overdue;
        bool blocked;
        lock (_gate)
        {
            if (_lostBecause is not null || _window.DeadlineMs is not { } deadlineMs) { return; }
            long nowMs = Environment.TickCount64;
            overdue = _window.Overdue(nowMs);
            blocked = BlockedBecause is not null;
            // While blocked the connection is kept, as a new one would have to meet the alarm by a publish.
            int nextMs = blocked ? _options.ConfirmTimeoutMs : (int)Math.Max(1, deadlineMs - nowMs);
            if (overdue.Count == 0 || blocked) { _overdue.Change(nextMs, Timeout.Infinite); }
        }
        if (overdue.Count == 0) { return; }
        string what = $"no confirm within {_options.ConfirmTimeoutMs} ms";
        FailAll(overdue, $"There was {what}.");
        if (!blocked) { Lose(what); }
    }

    private void Lose(string because)
    {
        List<ConfirmWindow.Slot> pending;
        lock (_gate)
        {
            if (_lostBecause is not null) { return; }
            _lostBecause = because;
            pending = _window.TakeAll();
            _overdue.Change(Timeout.Infinite, Timeout.Infinite);
        }
        FailAll(pending, $"The connection ended before the confirm: {because}.");
        Changed?.Invoke();
        // Not awaited: a broker that does not answer takes seconds, and nothing more is wanted of this link.
        _ = Task.Run(() => _link.AbandonAsync(because));
    }

    private static void FailAll(List<ConfirmWindow.Slot> slots, string because)
    {
        foreach (ConfirmWindow.Slot slot in slots)
        {
            slot.Publication.Fail(slot.ReturnedBecause is null
                ? new LogOutcomeUnknownException(because)
                : Unroutable(slot));
        }
    }

    private static LogUnavailableException Unroutable(ConfirmWindow.Slot slot) => new(
        $"Exchange {slot.Publication.Exchange} led to no queue ({slot.ReturnedBecause}): "
        + "the broker dropped the message.");

    private long NewDeadlineMs() => Environment.TickCount64 + _options.ConfirmTimeoutMs;
}
