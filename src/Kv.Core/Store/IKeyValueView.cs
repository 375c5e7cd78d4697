namespace Kv.Core.Store;

/// <summary>All keys and values at one point in time. Immutable; any thread.</summary>
public interface IKeyValueView
{
    int Count { get; }

    /// <summary>
    /// Keys that begin with <paramref name="prefix"/> and come after <paramref name="after"/> (exclusive;
    /// empty: from the start), in bytewise order, with their values. Lazy: a caller that stops early pays
    /// for what it took.
    /// </summary>
    IEnumerable<KeyValuePair<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>>> Scan(
        ReadOnlyMemory<byte> prefix, ReadOnlyMemory<byte> after);
}
