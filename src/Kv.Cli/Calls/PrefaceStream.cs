using System.Net.Sockets;

namespace Kv.Cli.Calls;

/// <summary>
/// A connection that looks at the first bytes the other side sends. An HTTP/2 server begins with a SETTINGS
/// frame (RFC 9113, 3.4); whatever begins otherwise, such as a port for HTTP/1.1, cannot have run a call,
/// although the request had gone out by then.
/// </summary>
internal sealed class PrefaceStream(Socket socket) : NetworkStream(socket, ownsSocket: true)
{
    /// <summary>Where in a frame its type stands.</summary>
    private const int TypeAt = 3;

    private const byte SettingsType = 4;

    private int _received;

    // Written where the connection is read, read after a call on it has failed.
    private volatile bool _isForeign;

    /// <summary>What listens there is surely no HTTP/2 server.</summary>
    public bool IsForeign => _isForeign;

    public override async ValueTask<int> ReadAsync(
        Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int count = await base.ReadAsync(buffer, cancellationToken);
        if (_received <= TypeAt && _received + count > TypeAt)
        {
            _isForeign = buffer.Span[TypeAt - _received] != SettingsType;
        }

        _received = Math.Min(_received + count, TypeAt + 1);
        return count;
    }
}
