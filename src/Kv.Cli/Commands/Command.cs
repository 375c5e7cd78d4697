namespace Kv.Cli.Commands;

/// <summary>Everything a line can ask for.</summary>
internal abstract partial record Command
{
    private Command()
    {
    }

    /// <summary>
    /// Whether the command changes the store. Such a command is never repeated once it may have reached a
    /// server, as a repeat could undo a newer write, unless it has a <see cref="RequestId"/>.
    /// </summary>
    public bool IsWrite => this is Set or Del or SetClusterSize
        or Put or Txn or Compact or LeaseGrant or LeaseRevoke;

    /// <summary>
    /// The user's name for the write: a node applies it once, however often it comes. Null: none given.
    /// </summary>
    public string? RequestId { get; init; }

    /// <summary>The command's name as typed, for messages and JSON.</summary>
    public virtual string Verb => GetType().Name.ToLowerInvariant();

    public sealed record Set(string Key, string ValueJson) : Command;

    public sealed record Get(string Key, bool Local) : Command;

    public sealed record Del(string Key) : Command;

    /// <param name="Prefix">Only keys that begin so; empty for all.</param>
    /// <param name="After">Only keys after this one; empty for all.</param>
    /// <param name="KeysMax">At most so many keys; 0 for no limit.</param>
    /// <param name="Local">Whether the node's own state will do, without a place in the log.</param>
    public sealed record Print(string Prefix, string After, long KeysMax, bool Local) : Command;

    public sealed record Status : Command;

    /// <summary>An operator's word how many members the cluster is meant to have.</summary>
    public sealed record SetClusterSize(int Members) : Command
    {
        public override string Verb => "cluster-size";
    }

    /// <summary>A command on a file of this machine.</summary>
    public abstract record Snapshot(string File) : Command
    {
        public override string Verb =>
            $"snapshot {GetType().Name[nameof(Snapshot).Length..].ToLowerInvariant()}";
    }

    /// <param name="HaltedToo">Whether the state of a halted node will do.</param>
    public sealed record SnapshotSave(string File, bool HaltedToo) : Snapshot(File);

    public sealed record SnapshotStatus(string File) : Snapshot(File);

    /// <param name="DataDirectory">Empty, or not there yet.</param>
    /// <param name="ClusterSize">Members the new cluster is meant to have; null: as many as before.</param>
    public sealed record SnapshotRestore(string File, string DataDirectory, int? ClusterSize)
        : Snapshot(File);

    public sealed record Help : Command;

    public sealed record Exit : Command;
}
