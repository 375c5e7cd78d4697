using System.Threading.Channels;
using Grpc.Core;
using Kv.Etcd.Tests.Systems;
using Kv.Protos.Etcd;
using Kv.Testing.Watches;

namespace Kv.Etcd.Tests.Watches;

/// <summary>One watch on a stream of its own, kept as the validator wants it.</summary>
internal sealed class WatchRecorder : IAsyncDisposable
{
    /// <summary>Longest wait for what has to come, s.</summary>
    private const int WaitSecondsMax = 20;

    private readonly AsyncDuplexStreamingCall<WatchRequest, WatchResponse> _stream;
    private readonly Channel<WatchMessage> _incoming = Channel.CreateUnbounded<WatchMessage>();
    private readonly List<WatchMessage> _messages = [];
    private readonly WatchDemand _demand;
    private readonly long _createdAt;
    private readonly Task _reading;

    private WatchRecorder(
        WatchDemand demand,
        AsyncDuplexStreamingCall<WatchRequest, WatchResponse> stream,
        long createdAt)
    {
        _demand = demand;
        _stream = stream;
        _createdAt = createdAt;
        _reading = ReadAsync();
    }

    /// <summary>What came so far and was waited for.</summary>
    public WatchRecord Record => new(_demand, _createdAt, [.. _messages]);

    /// <summary>Creates the watch; returns when the server says that it did.</summary>
    public static async Task<WatchRecorder> StartAsync(EtcdEndpoint endpoint, WatchDemand demand)
    {
        var create = new WatchCreateRequest
        {
            Key = Keys.Of(demand.Key),
            RangeEnd = Keys.Of(demand.RangeEnd),
            StartRevision = demand.StartRevision,
            PrevKv = demand.PrevKv,
            Fragment = true,
        };
        if (demand.NoPuts)
        {
            create.Filters.Add(WatchCreateRequest.Types.FilterType.Noput);
        }
        if (demand.NoDeletes)
        {
            create.Filters.Add(WatchCreateRequest.Types.FilterType.Nodelete);
        }
        AsyncDuplexStreamingCall<WatchRequest, WatchResponse> stream = endpoint.Watch.Watch();
        await stream.RequestStream.WriteAsync(new WatchRequest { CreateRequest = create });
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(WaitSecondsMax));
        await stream.ResponseStream.MoveNext(patience.Token);
        WatchResponse created = stream.ResponseStream.Current;
        Assert.True(created.Created, $"{created}");
        return new WatchRecorder(demand, stream, created.Header.Revision);
    }

    /// <summary>Waits for an event of this revision or a later one, and the end of its reply.</summary>
    public Task ReachesAsync(long revision) =>
        UntilAsync(message => !message.Continues && message.Events.Any(e => e.Revision >= revision));

    /// <summary>Asks how far it is, and waits for the notification.</summary>
    public async Task ProgressAsync()
    {
        await _stream.RequestStream.WriteAsync(
            new WatchRequest { ProgressRequest = new WatchProgressRequest() });
        await UntilAsync(static message => message.Events.Count == 0);
    }

    /// <summary>Breaks the connection, as a client does that goes away.</summary>
    public async ValueTask DisposeAsync()
    {
        _stream.Dispose();
        await _reading;
    }

    private async Task UntilAsync(Predicate<WatchMessage> isLast)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(WaitSecondsMax));
        try
        {
            WatchMessage message;
            do
            {
                message = await _incoming.Reader.ReadAsync(patience.Token);
                _messages.Add(message);
            }
            while (!isLast(message));
        }
        catch (OperationCanceledException)
        {
            // What never came is missing in the record: the validator says what it is.
        }
    }

    private async Task ReadAsync()
    {
        try
        {
            while (await _stream.ResponseStream.MoveNext(CancellationToken.None))
            {
                WatchResponse reply = _stream.ResponseStream.Current;
                Assert.False(reply.Canceled, $"{reply}");
                WatchEvent[] events = [.. reply.Events.Select(Told)];
                await _incoming.Writer.WriteAsync(
                    new WatchMessage(reply.Header.Revision, events, reply.Fragment));
            }
        }
        catch (RpcException broken) when (broken.StatusCode == StatusCode.Cancelled)
        {
            // Our own doing.
        }
    }

    private static WatchEvent Told(Event e) => new(
        e.Type == Event.Types.EventType.Delete, Told(e.Kv), e.PrevKv is null ? null : Told(e.PrevKv));

    private static KeyState Told(KeyValue kv) => new(
        Keys.Text(kv.Key), Keys.Text(kv.Value), kv.CreateRevision, kv.ModRevision, kv.Version);
}
