using Kv.Actors.Nodes;
using Kv.Actors.Watching;
using Kv.Core.Watch;

namespace Kv.Host.Etcd;

/// <summary>What becomes of some keys of a node from a revision on. One reader.</summary>
internal sealed class KeyEvents : IAsyncDisposable
{
    private readonly WatchSession _session;

    private KeyEvents(WatchSession session) => _session = session;

    /// <param name="from">The first revision that is told.</param>
    /// <exception cref="KvException">The node does not serve, or has too many streams.</exception>
    public static async Task<KeyEvents> OpenAsync(
        LogNode node, WatchedKeys keys, long from, CancellationToken cancellation)
    {
        WatchSession session = await node.OpenWatchAsync(cancellation);
        try
        {
            await session.AskAsync(new WatchDemand.Create(Id: 0, keys, from), cancellation);
            return new KeyEvents(session);
        }
        catch
        {
            await session.DisposeAsync();
            throw;
        }
    }

    /// <summary>The next events, in the order of revisions.</summary>
    /// <returns>Empty: no more come, they were compacted. Read again, and ask from there on.</returns>
    /// <exception cref="KvException">The node does not serve any more.</exception>
    /// <exception cref="OperationCanceledException">By the token.</exception>
    public async Task<IReadOnlyList<WatchEvent>> NextAsync(CancellationToken cancellation)
    {
        while (true)
        {
            switch (_session.TryNext())
            {
                case null:
                    await _session.WaitAsync(cancellation);
                    break;
                case { Kind: WatchReplyKind.Events } reply:
                    return reply.Events;
                case { Kind: WatchReplyKind.Created or WatchReplyKind.Progress }:
                    break;
                default:
                    return [];
            }
        }
    }

    public ValueTask DisposeAsync() => _session.DisposeAsync();
}
