namespace Kv.Core.Store;

/// <summary>The store's keys at one point in time.</summary>
public sealed class StoreView(OrderedIndexView<KeyRecord> keys) : IKeyValueView
{
    public int Count => keys.Count;

    public IEnumerable<KeyValuePair<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>>> Scan(
        ReadOnlyMemory<byte> prefix, ReadOnlyMemory<byte> after)
    {
        ReadOnlyMemory<byte> start = KeyRange.ScanStart(prefix, after);
        foreach ((byte[] key, KeyRecord record) in keys.Scan(start, KeyRange.PrefixEnd(prefix)))
        {
            yield return new(key, record.Value);
        }
    }
}
