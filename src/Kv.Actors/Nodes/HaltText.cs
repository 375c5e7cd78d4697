namespace Kv.Actors.Nodes;

/// <summary>What an operator is told to do where a node halts: the second half of every such reason.</summary>
public static class HaltText
{
    /// <summary>The log lost what this node has, or nobody can read it.</summary>
    public const string Recover =
        "This node serves nothing and throws nothing away. Leave the other nodes running as they are and ask "
        + "all for their applied offset (kv status). If the log cannot be brought back: stop the node with "
        + "the highest one and run kv-host recover there. Step by step: docs/recovery.md.";

    /// <summary>The log is another cluster's.</summary>
    public const string CheckNames =
        "Nothing of this node was changed. Check AMQP_URL and EXCHANGE_NAME; the first node of a restored or "
        + "recovered cluster needs an EXCHANGE_NAME that was never used. If this node's own cluster was "
        + "recovered as the other: kv-host recover --join. See docs/recovery.md.";

    /// <summary>The log goes on from a state that this node has not.</summary>
    public const string NeedsState =
        "This node has nothing to go on from. It needs a snapshot: of a running node of the cluster, or a saved "
        + "one (kv snapshot restore).";

    /// <summary>The whole reason.</summary>
    public static string Of(string why, string whatToDo = Recover) => $"{why} {whatToDo}";
}
