using System.Diagnostics.CodeAnalysis;
using System.IO.Hashing;

namespace Kv.Core.Store;

/// <summary>Keys as members of sets.</summary>
public static class KeyBytes
{
    /// <summary>
    /// Equal bytes are equal. Keys of a client could be chosen to collide: sets are to be bounded.
    /// </summary>
    public static IEqualityComparer<ReadOnlyMemory<byte>> Comparer { get; } = new ByContents();

    private sealed class ByContents : IEqualityComparer<ReadOnlyMemory<byte>>
    {
        public bool Equals(ReadOnlyMemory<byte> x, ReadOnlyMemory<byte> y) => x.Span.SequenceEqual(y.Span);

        public int GetHashCode([DisallowNull] ReadOnlyMemory<byte> obj) =>
            unchecked((int)XxHash3.HashToUInt64(obj.Span));
    }
}
