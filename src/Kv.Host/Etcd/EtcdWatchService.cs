using Grpc.Core;
using Kv.Actors.Nodes;
using Kv.Actors.Watching;
using Kv.Core.Watch;
using Kv.Host.Grpc;
using Kv.Protos.Etcd;
using Microsoft.AspNetCore.Connections.Features;

namespace Kv.Host.Etcd;

/// <summary>etcd's Watch service: one loop reads a stream's requests, one sends its replies.</summary>
internal sealed class EtcdWatchService(EtcdEdge edge, IHostApplicationLifetime lifetime) : Watch.WatchBase
{
    /// <summary>
    /// Bytes after which replies are handed to the network even when more are at hand: below, one write to
    /// the connection for many replies.
    /// </summary>
    private const int UnsentBytesMax = 65_536;

    /// <summary>Wait for a client that does not read when its stream has to end, ms.</summary>
    private const int LastWriteMsMax = 3_000;

    private static readonly WriteOptions Held = new(WriteFlags.BufferHint);
    private static readonly WriteOptions Sent = new();

    public override async Task Watch(
        IAsyncStreamReader<WatchRequest> requestStream,
        IServerStreamWriter<WatchResponse> responseStream,
        ServerCallContext context)
    {
        LogNode node = edge.NodeOf(context);
        try
        {
            await using WatchSession session = await node.OpenWatchAsync(context.CancellationToken);
            using CancellationTokenRegistration stopping = lifetime.ApplicationStopping.Register(
                () => session.End(new KvException(KvError.Stopping, "The node stops.")));
            using var over = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken);
            Task reading = ReadAsync(session, requestStream, context, over.Token);
            try
            {
                await SendAsync(session, node, responseStream, context);
            }
            finally
            {
                await over.CancelAsync();
                await reading.ContinueWith(
                    static _ => { },
                    CancellationToken.None,
                    TaskContinuationOptions.None,
                    TaskScheduler.Default);
            }
        }
        catch (KvException error)
        {
            throw Ended(error);
        }
    }

    private async Task ReadAsync(
        WatchSession session,
        IAsyncStreamReader<WatchRequest> requests,
        ServerCallContext call,
        CancellationToken over)
    {
        try
        {
            // A client that has asked for all it wants may say so: its watches go on.
            while (await requests.MoveNext(over))
            {
                if (WatchMessages.ToDemand(requests.Current) is { } demand)
                {
                    await session.AskAsync(Permitted(demand, call), over);
                }
            }
        }
        catch (RpcException unreadable)
        {
            session.End(new KvException(KvError.UnsupportedInMode, unreadable.Message, unreadable));
        }
    }

    // Once, when the watch is made, as etcd does. The stream and its other watches go on.
    private WatchDemand Permitted(WatchDemand demand, ServerCallContext call)
    {
        if (demand is not WatchDemand.Create { Keys.Range: var range } create)
        {
            return demand;
        }
        try
        {
            edge.CheckRead(call, range.Key, range.RangeEnd);
            return demand;
        }
        catch (RpcException denied)
        {
            // As Go prints a status.
            return new WatchDemand.Refuse(
                create.Id, $"rpc error: code = {denied.StatusCode} desc = {denied.Status.Detail}");
        }
    }

    private async Task SendAsync(
        WatchSession session,
        LogNode node,
        IServerStreamWriter<WatchResponse> responses,
        ServerCallContext context)
    {
        ResponseHeader common = EtcdEdge.Header(node, revision: 0);
        int unsent = 0;
        WatchReply? reply = session.TryNext();
        while (true)
        {
            if (reply is null)
            {
                await session.WaitAsync(context.CancellationToken);
                reply = session.TryNext();
                continue;
            }
            WatchResponse message = WatchMessages.ToMessage(
                reply, new ResponseHeader(common) { Revision = reply.Revision });
            reply = session.TryNext();
            unsent = reply is null || unsent >= UnsentBytesMax ? 0 : unsent + message.CalculateSize();
            responses.WriteOptions = unsent == 0 ? Sent : Held;
            await WriteAsync(session, responses, message, context);
        }
    }

    private async ValueTask WriteAsync(
        WatchSession session,
        IServerStreamWriter<WatchResponse> responses,
        WatchResponse message,
        ServerCallContext context)
    {
        Task writing = responses.WriteAsync(message);
        if (writing.IsCompletedSuccessfully)
        {
            return;
        }
        try
        {
            await writing.WaitAsync(session.Ended);
        }
        catch (OperationCanceledException) when (session.Ended.IsCancellationRequested)
        {
            try
            {
                await writing.WaitAsync(TimeSpan.FromMilliseconds(LastWriteMsMax));
            }
            catch (TimeoutException)
            {
                Cut(context.GetHttpContext());
                throw;
            }
        }
    }

    // Its client does not read: no status would reach it. A process that stops would wait for the connection.
    private void Cut(HttpContext call)
    {
        if (lifetime.ApplicationStopping.IsCancellationRequested
            && call.Features.Get<IConnectionLifetimeFeature>() is { } connection)
        {
            connection.Abort();
        }
        else
        {
            call.Abort();
        }
    }

    // Clients go on elsewhere only when they are told that this server is not to be had.
    private static RpcException Ended(KvException error) => error switch
    {
        { InnerException: RpcException unreadable } => unreadable,
        { Code: KvError.Halted } => new RpcException(new Status(StatusCode.Unavailable, error.Message)),
        _ => ErrorTable.ToRpc(error),
    };
}
