namespace Kv.Actors.Membership;

/// <summary>
/// What the peers' word means for this node's clients. The membership sets it, the node's edge reads it on
/// every call. Any thread.
/// </summary>
public sealed class ServingGate
{
    private volatile string _notReadyBecause = "This node is looking for its peers.";
    private volatile string _noWritesBecause = "";

    /// <summary>Why nothing is served yet; empty: it is. Once open it stays so.</summary>
    public string NotReadyBecause => _notReadyBecause;

    /// <summary>Why no writes are taken, until an operator has decided; empty: they are.</summary>
    public string NoWritesBecause => _noWritesBecause;

    internal void Open() => _notReadyBecause = "";

    internal void Hold(string why) => _notReadyBecause = why;

    internal void StopWrites(string why) => _noWritesBecause = why;
}
