namespace Kv.Actors.Presence;

/// <summary>
/// The node must not run beside those that are there already. Change its settings and start it again.
/// </summary>
public sealed class NodeRefusedException(
    string message, Exception? cause = null) : Exception(message, cause);
