namespace Kv.Core.Entries;

/// <summary>
/// Command kinds on the wire. Numbers are for ever; those without a command yet are reserved for it, so
/// that no later build gives them another meaning.
/// </summary>
public enum CommandKind : byte
{
    // the simple API
    Set = 1,
    Get = 2,
    Del = 3,
    Print = 4,

    // the log's own
    Barrier = 16,
    Register = 17,
    Close = 18,
    Found = 19,
    SnapshotTaken = 20,
    ClusterVersion = 21,
    ClusterSize = 22,

    // the etcd API
    Put = 32,
    DeleteRange = 33,
    Txn = 34,
    Compact = 35,
    Range = 36,
    LeaseGrant = 48,
    LeaseRevoke = 49,
    LeaseRenew = 50,
    LeaseExpire = 51,
    LeaseCheckpoint = 52,
    Alarm = 64,
    Auth = 80,
}
