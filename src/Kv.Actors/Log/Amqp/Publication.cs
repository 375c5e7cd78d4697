using RabbitMQ.Client;

namespace Kv.Actors.Log.Amqp;

/// <summary>One message from the call that publishes it to its outcome. Any thread.</summary>
internal sealed class Publication(
    string exchange, string routingKey, IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body)
{
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private Step _step = Step.Waiting;
    private bool _settled;
    private Exception? _failure;

    private enum Step
    {
        Waiting,

        /// <summary>
        /// The client is reading the body: it is not the caller's yet, whatever the outcome.
        /// </summary>
        Sending,

        Sent,
    }

    public string Exchange { get; } = exchange;

    public string RoutingKey { get; } = routingKey;

    public ReadOnlyMemory<byte> Body { get; } = body;

    /// <summary>Ends once with the outcome, and not before the body is the caller's again.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Its own copy of the properties, with the header that a return is recognised by.</summary>
    public BasicProperties PropertiesWith(ulong sequence)
    {
        var headers = new Dictionary<string, object?>(properties.Headers ?? new Dictionary<string, object?>())
        {
            [AmqpTopology.PublishSequenceHeader] = (long)sequence,
        };
        return new BasicProperties(properties) { Headers = headers };
    }

    /// <summary>From here on the broker may get it. False if the caller has given it up before.</summary>
    public bool TryBeginSend()
    {
        lock (_gate)
        {
            if (_settled) { return false; }
            _step = Step.Sending;
            return true;
        }
    }

    public void EndSend()
    {
        lock (_gate)
        {
            _step = Step.Sent;
            if (!_settled) { return; }
        }
        End();
    }

    public void Confirm() => Settle(_ => null);

    public void Fail(Exception failure) => Settle(_ => failure);

    /// <summary>The caller waits no longer.</summary>
    public void GiveUp(CancellationToken stopping)
    {
        var cause = new OperationCanceledException(stopping);
        Settle(step => step == Step.Waiting
            ? new LogUnavailableException("Cancelled before it was published.", cause)
            : new LogOutcomeUnknownException("Cancelled before the broker's confirm.", cause));
    }

    // The first outcome counts.
    private void Settle(Func<Step, Exception?> failureAt)
    {
        lock (_gate)
        {
            if (_settled) { return; }
            _settled = true;
            _failure = failureAt(_step);
            if (_step == Step.Sending) { return; }
        }
        End();
    }

    private void End()
    {
        if (_failure is null) { _ended.TrySetResult(); } else { _ended.TrySetException(_failure); }
    }
}
