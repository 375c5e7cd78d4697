namespace Kv.Core.Store;

/// <summary>Bounds of key ranges in bytewise order.</summary>
public static class KeyRange
{
    /// <summary>
    /// The first key behind all that begin with <paramref name="prefix"/>; null when there is none: the
    /// prefix is empty or all 0xFF.
    /// </summary>
    public static ReadOnlyMemory<byte>? PrefixEnd(ReadOnlyMemory<byte> prefix)
    {
        int last = prefix.Span.LastIndexOfAnyExcept((byte)0xFF);
        if (last < 0)
        {
            return null;
        }
        byte[] end = prefix[..(last + 1)].ToArray();
        end[last]++;
        return end;
    }

    /// <summary>The first key of a scan of a prefix that goes on behind <paramref name="after"/>.</summary>
    public static ReadOnlyMemory<byte> ScanStart(ReadOnlyMemory<byte> prefix, ReadOnlyMemory<byte> after)
    {
        if (after.IsEmpty)
        {
            return prefix;
        }
        byte[] behind = [.. after.Span, 0];
        return behind.AsSpan().SequenceCompareTo(prefix.Span) > 0 ? behind : prefix;
    }
}
