using Grpc.Core;
using Kv.Core;

namespace Kv.Host.Grpc;

/// <summary>
/// Refuses calls of the simple API, beyond so many under way, before their messages are read: what a flood
/// costs must not be what the work costs.
/// </summary>
internal sealed class CallLimit(int callsMax)
{
    private static readonly string Message = Uri.EscapeDataString(
        $"This node has too many calls under way; it takes {KvLimits.CallsUnderWayMax}. Slow down and try "
            + "again.");

    private int _underWay;

    /// <summary>Middleware, before the services.</summary>
    public async Task InvokeAsync(HttpContext call, RequestDelegate next)
    {
        if (!IsLimited(call.Request.Path))
        {
            await next(call);
            return;
        }
        try
        {
            if (Interlocked.Increment(ref _underWay) > callsMax)
            {
                Refuse(call.Response);
                return;
            }
            await next(call);
        }
        finally
        {
            Interlocked.Decrement(ref _underWay);
        }
    }

    // Whoever looks after a node has to get through to it.
    private static bool IsLimited(PathString path) =>
        (path.StartsWithSegments("/kv.KvService", StringComparison.Ordinal)
            || path.StartsWithSegments("/kv.v1.KvService", StringComparison.Ordinal))
        && !path.Value!.EndsWith("/Status", StringComparison.Ordinal);

    // A reply of headers only: gRPC calls it "trailers-only".
    private static void Refuse(HttpResponse response)
    {
        response.ContentType = "application/grpc";
        response.Headers["grpc-status"] = $"{(int)StatusCode.ResourceExhausted}";
        response.Headers["grpc-message"] = Message;
    }
}
