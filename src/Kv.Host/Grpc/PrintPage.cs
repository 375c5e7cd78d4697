using Grpc.Core;
using Kv.Core;
using Kv.Core.Store;

namespace Kv.Host.Grpc;

/// <summary>The part of a view that a Print asks for.</summary>
internal static class PrintPage
{
    /// <summary>
    /// At most <paramref name="limit"/> keys (0: all); calls <paramref name="onMore"/> if there are others.
    /// </summary>
    public static IEnumerable<KeyValuePair<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>>> Take(
        IKeyValueView view,
        ReadOnlyMemory<byte> prefix,
        ReadOnlyMemory<byte> after,
        long limit,
        Action onMore)
    {
        long taken = 0;
        foreach (KeyValuePair<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>> pair in view.Scan(prefix, after))
        {
            if (limit > 0 && taken == limit)
            {
                onMore();
                yield break;
            }
            taken++;
            yield return pair;
        }
    }

    /// <exception cref="RpcException">RESOURCE_EXHAUSTED: a reply of so many bytes is no message.</exception>
    public static void CheckSize(long bytes)
    {
        if (bytes > KvLimits.MessageBytesMax)
        {
            throw new RpcException(new Status(
                StatusCode.ResourceExhausted,
                $"The snapshot exceeds the message limit of {KvLimits.MessageBytesMax} bytes. Ask for it "
                + "in parts with prefix, after and limit."));
        }
    }
}
