using System.Net.Sockets;
using Grpc.Core;

namespace Kv.Cli.Calls;

/// <summary>Why a call without a server's status failed, in words for a person.</summary>
internal static class ConnectionText
{
    public const string Foreign = "what listens there does not speak gRPC (HTTP/2 without TLS)";

    public static string Explain(RpcException error, bool interrupted, bool sent, TimeSpan timeout)
    {
        if (interrupted)
        {
            return "stopped before the answer came";
        }

        if (!sent && Find<SocketException>(error.Status.DebugException) is { } socketError)
        {
            return socketError.SocketErrorCode switch
            {
                SocketError.ConnectionRefused => "connection refused",
                SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain =>
                    "no such host",
                SocketError.TimedOut => "no answer to the connection attempt",
                _ => socketError.Message,
            };
        }

        if (error.StatusCode == StatusCode.DeadlineExceeded)
        {
            return $"no answer within {timeout.TotalSeconds} s";
        }

        if (error.Status.DebugException is null)
        {
            return error.Status.Detail;
        }

        return sent ? "the connection broke before the answer came" : "the connection was closed at once";
    }

    private static TError? Find<TError>(Exception? error)
        where TError : Exception
    {
        while (error is not null and not TError)
        {
            error = error.InnerException;
        }

        return error as TError;
    }
}
