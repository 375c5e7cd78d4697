using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Grpc.Core;
using Grpc.Net.Client;

namespace Kv.Faults.Load;

/// <summary>What became of one call.</summary>
internal abstract record CallOutcome
{
    private CallOutcome() { }

    /// <param name="Fields">The reply.</param>
    public sealed record Done(JsonElement Fields) : CallOutcome;

    /// <summary>It did nothing and never will.</summary>
    public sealed record Refused(string Why) : CallOutcome;

    /// <summary>It may have taken effect, or may still.</summary>
    public sealed record Unknown(string Why) : CallOutcome;
}

/// <summary>
/// Calls kv.KvService of one node, with JSON payloads: that door knows request ids. It sorts failures as
/// docs/wire.md says, and makes no attempt of its own to repeat anything. Any thread.
/// </summary>
internal sealed class KvClient : IDisposable
{
    private const int ConnectTimeoutMs = 1_000;

    private static readonly Marshaller<byte[]> Bytes = new(static bytes => bytes, static bytes => bytes);

    private readonly GrpcChannel _channel;
    private readonly CallInvoker _invoker;

    public KvClient(Uri address)
    {
        _channel = GrpcChannel.ForAddress(address, new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler
            {
                ConnectTimeout = TimeSpan.FromMilliseconds(ConnectTimeoutMs),
                EnableMultipleHttp2Connections = true,
            },
            // A node that was away must not be avoided for long: it is back within a second or two.
            InitialReconnectBackoff = TimeSpan.FromMilliseconds(50),
            MaxReconnectBackoff = TimeSpan.FromMilliseconds(200),
            DisposeHttpClient = true,
        });
        _invoker = _channel.CreateCallInvoker();
    }

    public async Task<CallOutcome> CallAsync(
        string method, IReadOnlyDictionary<string, object?> request, int deadlineMs)
    {
        var description = new Method<byte[], byte[]>(
            MethodType.Unary, "kv.KvService", method, Bytes, Bytes);
        var options = new CallOptions(deadline: DateTime.UtcNow.AddMilliseconds(deadlineMs));
        try
        {
            byte[] reply = await _invoker.AsyncUnaryCall(
                description, null, options, Encode(request));
            JsonElement fields = JsonDocument.Parse(reply).RootElement;
            return fields.GetProperty("status").GetString() == "ok"
                ? new CallOutcome.Done(fields)
                : new CallOutcome.Refused(fields.GetProperty("message").GetString()!);
        }
        catch (RpcException failed)
        {
            string why = $"{failed.StatusCode}: {failed.Status.Detail}";
            return IsRefusal(failed) ? new CallOutcome.Refused(why) : new CallOutcome.Unknown(why);
        }
    }

    public void Dispose() => _channel.Dispose();

    /// <summary>
    /// A node's own UNAVAILABLE says that nothing was published. One that the client made up says so only
    /// where there was no connection to send the call over.
    /// </summary>
    private static bool IsRefusal(RpcException failed) => failed.StatusCode switch
    {
        StatusCode.Unavailable => failed.Status.DebugException
            is null
            or SocketException
            or HttpRequestException
            {
                HttpRequestError: HttpRequestError.ConnectionError,
                InnerException: SocketException,
            },
        StatusCode.ResourceExhausted => true,
        // The node halted. It did so after the call may have been published.
        _ => false,
    };

    private static byte[] Encode(IReadOnlyDictionary<string, object?> request) =>
        Encoding.UTF8.GetBytes(JsonSerializer.Serialize(request));
}
