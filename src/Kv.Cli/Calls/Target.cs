using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Client;

namespace Kv.Cli.Calls;

/// <summary>
/// One node and the connection to it, made at the first call. One call at a time; not thread-safe.
/// </summary>
internal sealed class Target(TargetAddress address) : IDisposable
{
    /// <summary>
    /// Longest wait for a connection, ms, so that a dead address leaves time for the next one.
    /// </summary>
    private const int ConnectTimeoutMs = 2_000;

    /// <summary>
    /// Largest reply taken, bytes: PRINT without a limit is one message with the whole store in it.
    /// </summary>
    private const int ReplyBytesMax = 256 * 1024 * 1024;

    private GrpcChannel? _channel;

    // The newest one; set by the HTTP handler's thread before a request can go out on it.
    private volatile PrefaceStream? _connection;

    public TargetAddress Address => address;

    /// <summary>Asks this node once.</summary>
    /// <param name="isWrite">Whether the call changes the store.</param>
    /// <param name="ask">Makes the calls; fails with <see cref="RpcException"/>.</param>
    /// <param name="timeout">Longest wait for the answer, connecting included.</param>
    /// <param name="interrupt">The user's wish to stop.</param>
    /// <returns>The reply, or what its absence means. Does not throw for anything the network does.</returns>
    public async Task<(TReply? Reply, CallFailure? Failure)> AskAsync<TReply>(
        bool isWrite,
        Func<ChannelBase, CallOptions, Task<TReply>> ask,
        TimeSpan timeout,
        CancellationToken interrupt)
        where TReply : class
    {
        _channel ??= OpenChannel();
        var trace = new CallTrace();
        CallTraceHandler.Follow(trace);
        try
        {
            var options = new CallOptions(deadline: DateTime.UtcNow + timeout, cancellationToken: interrupt);
            return (await ask(_channel, options), null);
        }
        catch (RpcException error)
        {
            bool fromServer = trace.Answered && error.Status.DebugException is null;
            bool interrupted = interrupt.IsCancellationRequested && !fromServer;
            bool foreign = _connection is { IsForeign: true };
            bool sent = trace.Sent && !foreign;
            FailureKind kind = CallFailure.Classify(isWrite, interrupted, error.StatusCode, sent, fromServer);
            string detail = fromServer ? error.Status.Detail
                : foreign ? ConnectionText.Foreign
                : ConnectionText.Explain(error, interrupted, sent, timeout);
            return (null, new CallFailure(address, kind, error.StatusCode, detail));
        }
    }

    public void Dispose() => _channel?.Dispose();

    private GrpcChannel OpenChannel()
    {
        var sockets = new SocketsHttpHandler
        {
            // A proxy of the environment is for the web; it would also hide whether a node was reached.
            UseProxy = false,
            ConnectCallback = ConnectAsync,
            EnableMultipleHttp2Connections = false,
        };
        return GrpcChannel.ForAddress(
            $"http://{address}",
            new GrpcChannelOptions
            {
                HttpHandler = new CallTraceHandler(sockets),
                DisposeHttpClient = true,
                MaxReceiveMessageSize = ReplyBytesMax,
            });
    }

    /// <summary>
    /// Connects by hand: the channel then keeps no back-off of its own, which would go on refusing a node
    /// that is back.
    /// </summary>
    private async ValueTask<Stream> ConnectAsync(
        SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(ConnectTimeoutMs);
        try
        {
            await socket.ConnectAsync(context.DnsEndPoint, patience.Token);
            return _connection = new PrefaceStream(socket);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            socket.Dispose();
            throw new SocketException((int)SocketError.TimedOut);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
