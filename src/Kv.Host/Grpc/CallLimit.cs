using System.IO.Pipelines;
using Grpc.Core;
using Kv.Core;
using Kv.Host.Etcd;
using Microsoft.AspNetCore.Connections;

namespace Kv.Host.Grpc;

/// <summary>
/// Refuses calls of clients, beyond what a node gets done in time, before their messages are decoded: what a
/// flood costs must not be what the work costs.
/// </summary>
internal sealed class CallLimit(DelayLimit limit)
{
    private const string EtcdKv = "/etcdserverpb.KV";

    // A service a line. Calls that last by their nature, such as watches, do not belong here.
    private static readonly PathString[] Limited =
    [
        "/kv.KvService",
        "/kv.v1.KvService",
        EtcdKv,
    ];

    private static readonly string Message = Uri.EscapeDataString(
        "This node has more calls under way than it gets done in time. Slow down and try again.");

    private int _refusalsKept;

    /// <summary>Middleware, before the services.</summary>
    public async Task InvokeAsync(HttpContext call, RequestDelegate next)
    {
        if (!IsLimited(call.Request.Path))
        {
            await next(call);
            return;
        }
        if (!limit.TryEnter(out long began))
        {
            await RefuseAsync(call);
            return;
        }
        try
        {
            await next(call);
        }
        finally
        {
            limit.Leave(began);
        }
    }

    // Whoever looks after a node has to get through to it.
    private static bool IsLimited(PathString path) =>
        Array.Exists(Limited, service => path.StartsWithSegments(service, StringComparison.Ordinal))
        && !path.Value!.EndsWith("/Status", StringComparison.Ordinal);

    // A reply of headers only: gRPC calls it "trailers-only".
    private async Task RefuseAsync(HttpContext call)
    {
        call.Response.ContentType = "application/grpc";
        call.Response.Headers["grpc-status"] = $"{(int)StatusCode.ResourceExhausted}";
        call.Response.Headers["grpc-message"] = call.Request.Path.StartsWithSegments(EtcdKv)
            ? EtcdErrors.RequestTooManyRequests.Detail
            : Message;
        await DrainAsync(call.Request.BodyReader);
        await KeepAsync(call.RequestAborted);
    }

    private async Task KeepAsync(CancellationToken gone)
    {
        if (Interlocked.Increment(ref _refusalsKept) <= KvLimits.RefusalsKeptMax)
        {
            await Task.Delay(KvLimits.RefusalDelayMs, gone)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        Interlocked.Decrement(ref _refusalsKept);
    }

    // A call that ends while its message still comes is reset, and some clients take a reset for a lost
    // connection. Small messages are here already or follow at once; the server's least data rate ends
    // those that do not.
    private static async Task DrainAsync(PipeReader message)
    {
        long bytes = 0;
        try
        {
            ReadResult read;
            do
            {
                read = await message.ReadAsync();
                bytes += read.Buffer.Length;
                message.AdvanceTo(read.Buffer.End);
            }
            while (!read.IsCompleted && bytes < KvLimits.RefusedBytesMax);
        }
        catch (Exception gone) when (gone is IOException or ConnectionAbortedException
            or BadHttpRequestException or OperationCanceledException)
        {
            // Nobody is left to be told.
        }
    }
}
