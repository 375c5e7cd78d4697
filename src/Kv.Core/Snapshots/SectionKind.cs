namespace Kv.Core.Snapshots;

/// <summary>
/// Sections of a snapshot, in the order they stand in. Numbers are for ever; those without a section yet are
/// reserved for it. A build that meets one it does not know refuses the file.
/// </summary>
internal enum SectionKind : byte
{
    Header = 1,
    Keys = 2,
    Producers = 3,
    Requests = 4,
    ChainHistory = 5,

    KeyHistory = 16,
    Leases = 17,

    /// <summary>Users, roles and what they may.</summary>
    Auth = 18,
    Alarms = 19,

    ClusterSettings = 20,

    Footer = 255,
}
