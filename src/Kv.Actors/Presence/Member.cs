namespace Kv.Actors.Presence;

/// <summary>Another node as it was last heard.</summary>
/// <param name="LastSeenMs">Time since then, ms.</param>
public sealed record Member(Announcement Announcement, long LastSeenMs);
