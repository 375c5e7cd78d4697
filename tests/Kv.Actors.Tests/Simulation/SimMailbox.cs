namespace Kv.Actors.Tests.Simulation;

/// <summary>An actor's mailbox: one message at a time, in the order they came, each after a while.</summary>
internal sealed class SimMailbox(Timeline time, Func<int> delayMs)
{
    private readonly Queue<Action> _messages = [];
    private bool _isClosed;
    private bool _isWorking;

    internal void Post(Action handle)
    {
        if (_isClosed)
        {
            return;
        }
        _messages.Enqueue(handle);
        if (!_isWorking)
        {
            _isWorking = true;
            time.In(delayMs(), Work);
        }
    }

    /// <summary>The process died: nothing of what waits here happens any more.</summary>
    internal void Close() => _isClosed = true;

    private void Work()
    {
        if (_isClosed)
        {
            return;
        }
        _messages.Dequeue()();
        if (_messages.Count > 0)
        {
            time.In(delayMs(), Work);
        }
        else
        {
            _isWorking = false;
        }
    }
}
