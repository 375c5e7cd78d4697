using System.Diagnostics;
using Grpc.Core;
using Kv.Cli.Calls;
using Kv.Protos.Etcd;

namespace Kv.Cli.Etcd;

/// <summary>Keeps a lease from ending.</summary>
internal static class LeaseKeeper
{
    /// <summary>A lease is renewed so many times in its time to live, so that some may fail.</summary>
    private const int BeatsPerTtl = 3;

    /// <summary>Wait after all nodes were asked in vain, ms.</summary>
    private const int RetryMs = 500;

    /// <summary>Renews the lease until it is gone.</summary>
    /// <param name="targets">Any of them can renew it; each call here begins anew.</param>
    /// <param name="id">The lease.</param>
    /// <param name="once">Whether one renewal is enough.</param>
    /// <param name="renewed">Told of each reply, and how long from now the lease lives by it.</param>
    /// <param name="stop">Ends it.</param>
    /// <returns>
    /// The last reply, with no time to live where the lease is gone. Or null and what failed: the first call,
    /// or all calls for as long as the lease lived; or it was stopped.
    /// </returns>
    public static async Task<(LeaseKeepAliveResponse? Last, IReadOnlyList<CallFailure> Failures)> KeepAsync(
        TargetSet targets,
        long id,
        bool once,
        Action<LeaseKeepAliveResponse, TimeSpan> renewed,
        CancellationToken stop)
    {
        TimeSpan ttl = TimeSpan.Zero;
        long asked = Stopwatch.GetTimestamp();
        while (true)
        {
            long now = Stopwatch.GetTimestamp();
            (LeaseKeepAliveResponse? reply, IReadOnlyList<CallFailure> failures) = await targets.AskAsync(
                isWrite: false, (channel, options) => BeatAsync(channel, id, options), stop);
            if (stop.IsCancellationRequested)
            {
                return (null, failures);
            }

            TimeSpan pause = TimeSpan.FromMilliseconds(RetryMs);
            if (reply is not null)
            {
                // Counted from the question: the server did not renew it before.
                asked = now;
                ttl = TimeSpan.FromSeconds(reply.TTL);
                renewed(reply, ttl - Stopwatch.GetElapsedTime(asked));
                if (once || reply.TTL <= 0)
                {
                    return (reply, failures);
                }

                pause = ttl / BeatsPerTtl;
            }
            else if (!failures[^1].MayTryNext || Stopwatch.GetElapsedTime(asked) >= ttl)
            {
                return (null, failures);
            }

            if (!await PauseAsync(pause, stop))
            {
                return (null, failures);
            }
        }
    }

    private static async Task<LeaseKeepAliveResponse> BeatAsync(
        ChannelBase channel, long id, CallOptions options)
    {
        using AsyncDuplexStreamingCall<LeaseKeepAliveRequest, LeaseKeepAliveResponse> call =
            new Lease.LeaseClient(channel).LeaseKeepAlive(options);
        await call.RequestStream.WriteAsync(new LeaseKeepAliveRequest { ID = id }, options.CancellationToken);
        if (!await call.ResponseStream.MoveNext(options.CancellationToken))
        {
            throw new RpcException(new Status(StatusCode.Unavailable, "the stream ended without an answer"));
        }

        LeaseKeepAliveResponse reply = call.ResponseStream.Current;
        await call.RequestStream.CompleteAsync();
        return reply;
    }

    /// <returns>Whether to go on.</returns>
    private static async Task<bool> PauseAsync(TimeSpan pause, CancellationToken stop)
    {
        try
        {
            await Task.Delay(pause, stop);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
