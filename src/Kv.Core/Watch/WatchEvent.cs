using Kv.Core.Store;

namespace Kv.Core.Watch;

/// <summary>
/// One mutation as watchers are told it; one object to all of them. What was before is taken down at once:
/// compaction lets it go in the store.
/// </summary>
/// <param name="previous">The put before; null: the key was not there, or nobody remembers.</param>
public sealed class WatchEvent(KeyRecord record, KeyRecord? previous)
{
    public KeyRecord Record { get; } = record;

    public KeyRecord? Previous { get; } = previous;

    public long Revision => Record.ModRevision;

    /// <summary>What it counts in a queue, bytes.</summary>
    public int Bytes => KvLimits.WatchEventBytesExtra + Record.Key.Length + Record.Value.Length
        + (Previous is { } before ? before.Key.Length + before.Value.Length : 0);

    /// <summary>
    /// What the edge made of it for the wire, so that it is made once for many watchers. Any thread: two that
    /// make it at the same time make the same.
    /// </summary>
    public object? Form { get; set; }

    /// <inheritdoc cref="Form"/>
    public object? FormWithPrevious { get; set; }

    /// <summary>As etcd tells it: what was before counts only while history still reaches there.</summary>
    internal static WatchEvent Of(KeyRecord record, long compactedRevision) =>
        new(record, record.ModRevision > compactedRevision ? record.PreviousPut : null);
}
