using System.Net;
using System.Net.Sockets;

namespace Kv.Testing.Processes;

/// <summary>
/// Consecutive free ports, each given once in this process. They lie below the range that outgoing
/// connections take theirs from; another process may still be faster, so who listens has to be ready to try
/// again.
/// </summary>
public static class FreePorts
{
    private const int First = 20_000;
    private const int End = 32_000;

    private static readonly Lock Gate = new();
    private static int _next = Random.Shared.Next(First, End);

    /// <summary>The first of <paramref name="count"/> ports.</summary>
    public static int Take(int count)
    {
        lock (Gate)
        {
            for (int tried = First; tried < End; tried++)
            {
                int first = _next + count <= End ? _next : First;
                int taken = Enumerable.Range(first, count).FirstOrDefault(port => !IsFree(port));
                if (taken == 0)
                {
                    _next = first + count;
                    return first;
                }
                _next = taken + 1;
            }
        }
        throw new InvalidOperationException($"No {count} consecutive ports are free from {First} to {End}.");
    }

    private static bool IsFree(int port) => CanListen(IPAddress.Loopback, port)
        && (!Socket.OSSupportsIPv6 || CanListen(IPAddress.IPv6Loopback, port));

    private static bool CanListen(IPAddress address, int port)
    {
        using var listener = new TcpListener(address, port);
        try
        {
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
