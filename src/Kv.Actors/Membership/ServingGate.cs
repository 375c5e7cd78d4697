namespace Kv.Actors.Membership;

/// <summary>
/// What the peers' word means for this node's clients. The membership sets it, the node's edge reads it on
/// every call. Any thread.
/// </summary>
public sealed class ServingGate
{
    private readonly Lock _gate = new();
    private volatile string _notReadyBecause = "This node is looking for its peers.";
    private volatile string _noWritesBecause = "";
    private TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Why nothing is served now; empty: it is.</summary>
    public string NotReadyBecause => _notReadyBecause;

    /// <summary>Why no writes are taken, until an operator has decided; empty: they are.</summary>
    public string NoWritesBecause => _noWritesBecause;

    /// <summary>Ends when something is served, at once if it is.</summary>
    public Task Opened
    {
        get { lock (_gate) { return _opened.Task; } }
    }

    internal void Open()
    {
        lock (_gate)
        {
            _notReadyBecause = "";
            _opened.TrySetResult();
        }
    }

    internal void Hold(string why)
    {
        lock (_gate)
        {
            _notReadyBecause = why;
            if (_opened.Task.IsCompleted)
            {
                _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }
    }

    internal void StopWrites(string why) => _noWritesBecause = why;
}
