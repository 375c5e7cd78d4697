using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Client;
using Kv.Protos.Etcd;

namespace Kv.Cli.Calls;

/// <summary>
/// One node and the connection to it, made at the first call. One call at a time; not thread-safe.
/// </summary>
/// <param name="address">Where it is.</param>
/// <param name="credentials">Who asks; null: nobody is named.</param>
internal sealed class Target(TargetAddress address, Credentials? credentials) : IDisposable
{
    /// <summary>Metadata of every call by somebody who is named.</summary>
    private const string TokenKey = "token";

    /// <summary>
    /// Silence, s, after which a call that waits long, such as a watch, asks whether the node is there. etcd
    /// takes one question in 5 s.
    /// </summary>
    private const int PingSeconds = 10;

    private const int PingTimeoutSeconds = 5;

    /// <summary>
    /// Longest wait for a connection, ms, so that a dead address leaves time for the next one.
    /// </summary>
    private const int ConnectTimeoutMs = 2_000;

    /// <summary>
    /// Largest reply taken, bytes: PRINT without a limit is one message with the whole store in it.
    /// </summary>
    private const int ReplyBytesMax = 256 * 1024 * 1024;

    private GrpcChannel? _channel;

    // What the node gave for the credentials; null: not asked yet, or not taken any more.
    private string? _token;

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
        while (true)
        {
            bool isNew = _token is null;
            if (credentials is not null && isNew)
            {
                // Nothing of the command has been sent yet.
                (_token, CallFailure? stranger) = await TryAsync(
                    isWrite: false,
                    (channel, options) => AuthenticateAsync(channel, credentials, options),
                    timeout,
                    interrupt);
                if (stranger is not null)
                {
                    return (null, stranger);
                }
            }

            (TReply? reply, CallFailure? failure) = await TryAsync(isWrite, ask, timeout, interrupt);
            bool isOld = failure is { Kind: FailureKind.Refused, Code: StatusCode.Unauthenticated } && !isNew;
            if (!isOld)
            {
                return (reply, failure);
            }

            // Tokens end; nothing was done with this one.
            _token = null;
        }
    }

    public void Dispose() => _channel?.Dispose();

    private async Task<(TReply? Reply, CallFailure? Failure)> TryAsync<TReply>(
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
            Metadata? headers = string.IsNullOrEmpty(_token) ? null : new Metadata { { TokenKey, _token } };
            var options = new CallOptions(headers, DateTime.UtcNow + timeout, interrupt);
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

    /// <summary>The token for the credentials; empty where the cluster asks nobody's name.</summary>
    private static async Task<string> AuthenticateAsync(
        ChannelBase channel, Credentials credentials, CallOptions options)
    {
        try
        {
            AuthenticateResponse reply = await new Auth.AuthClient(channel).AuthenticateAsync(
                new AuthenticateRequest { Name = credentials.Name, Password = credentials.Password },
                options);
            return reply.Token;
        }
        catch (RpcException error) when (error.StatusCode == StatusCode.FailedPrecondition
            && error.Status.Detail.Contains("authentication is not enabled", StringComparison.Ordinal))
        {
            return "";
        }
    }

    private GrpcChannel OpenChannel()
    {
        var sockets = new SocketsHttpHandler
        {
            // A proxy of the environment is for the web; it would also hide whether a node was reached.
            UseProxy = false,
            ConnectCallback = ConnectAsync,
            EnableMultipleHttp2Connections = false,
            KeepAlivePingDelay = TimeSpan.FromSeconds(PingSeconds),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(PingTimeoutSeconds),
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
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
