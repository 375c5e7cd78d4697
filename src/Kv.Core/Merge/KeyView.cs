using Kv.Core.Store;

namespace Kv.Core.Merge;

/// <summary>The live keys at one moment.</summary>
internal sealed class KeyView(OrderedIndexView<VersionedValue> live) : IKeyValueView
{
    public int Count => live.Count;

    public IEnumerable<KeyValuePair<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>>> Scan(
        ReadOnlyMemory<byte> prefix, ReadOnlyMemory<byte> after)
    {
        bool isAfterFurther = after.Span.SequenceCompareTo(prefix.Span) >= 0;
        ReadOnlyMemory<byte> from = isAfterFurther ? after : prefix;
        foreach ((byte[] key, VersionedValue version) in live.Scan(from))
        {
            if (!key.AsSpan().StartsWith(prefix.Span))
            {
                // Keys with the prefix stand together: behind them there are none.
                if (key.AsSpan().SequenceCompareTo(prefix.Span) > 0) { yield break; }
                continue;
            }
            if (!after.IsEmpty && key.AsSpan().SequenceEqual(after.Span)) { continue; }
            yield return new(key, version.Value);
        }
    }
}
