namespace Kv.Actors.Log.Amqp;

/// <summary>What can be seen of a running consumer from outside. Any thread.</summary>
public sealed class AmqpConsumer
{
    private readonly TaskCompletionSource<string> _attached =
        new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal AmqpConsumer() => _ = _attached.Task.ContinueWith(task => task.Exception, TaskScheduler.Default);

    /// <summary>
    /// Completes with the queue's name when the broker has set the subscription up: a consumer of a
    /// stream from "next" gets whatever is confirmed after this. Fails if the source ended before.
    /// </summary>
    public Task<string> Attached => _attached.Task;

    /// <summary>Completes when the source has ended and its connection is closed.</summary>
    public Task Closed => _closed.Task;

    /// <summary>Deliveries held that were not yet demanded.</summary>
    public int Buffered { get; private set; }

    /// <summary>Most deliveries held at a time so far.</summary>
    public int BufferedPeak { get; private set; }

    /// <summary>Bytes of body in the deliveries held.</summary>
    public long BufferedBytes { get; private set; }

    internal void OnAttached(string queue) => _attached.TrySetResult(queue);

    internal void OnFailed(Exception cause) => _attached.TrySetException(cause);

    internal void OnClosed()
    {
        _attached.TrySetCanceled();
        _closed.TrySetResult();
    }

    internal void OnBuffered(int count, long bytes)
    {
        Buffered = count;
        BufferedPeak = Math.Max(BufferedPeak, count);
        BufferedBytes = bytes;
    }
}
