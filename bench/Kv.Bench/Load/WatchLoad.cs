using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Kv.Bench.Machine;
using Kv.Protos.Etcd;

namespace Kv.Bench.Load;

/// <summary>How watches lie on streams and keys.</summary>
/// <param name="SameKey">All watch one key; else each its own.</param>
internal sealed record WatchShape(string Name, int Watches, int Streams, bool SameKey, int PutsPerSecond);

/// <summary>
/// Watches on one server and puts at a fixed rate: how long from the call of a put to its event at the
/// client, and whether every event came once and in order.
/// </summary>
internal sealed class WatchLoad(EtcdServer server, WatchShape shape) : IDisposable
{
    private const int StreamsPerConnection = 100;
    private const int ValueBytes = 100;

    // What is compiled and cached only after many calls should have been.
    private const int WarmingFactor = 5;

    private readonly List<GrpcChannel> _connections = [];
    private readonly List<long> _ticks = [];
    private readonly List<long> _putTicks = [];
    private readonly long[] _versions = new long[shape.Watches];
    private readonly System.Threading.Lock _lock = new();
    private long _wrong;
    private long _events;

    /// <summary>Events that came twice, too late or never.</summary>
    public long Wrong => Interlocked.Read(ref _wrong);

    /// <summary>From a put's call to its event, stopwatch ticks.</summary>
    public IReadOnlyList<long> Latencies => _ticks;

    /// <summary>From a put's call to its answer, stopwatch ticks.</summary>
    public IReadOnlyList<long> PutLatencies => _putTicks;

    public async Task RunAsync(TimeSpan warming, TimeSpan measured)
    {
        using var over = new CancellationTokenSource();
        Task[] streams = await Task.WhenAll(Enumerable.Range(0, shape.Streams).Select(
            stream => StartAsync(stream, over.Token)));
        await PutAsync(warming, shape.PutsPerSecond * WarmingFactor);
        lock (_lock)
        {
            _ticks.Clear();
            _putTicks.Clear();
        }
        await PutAsync(measured, shape.PutsPerSecond);
        await over.CancelAsync();
        await Task.WhenAll(streams);
    }

    public void Dispose() => _connections.ForEach(static connection => connection.Dispose());

    private async Task<Task> StartAsync(int stream, CancellationToken over)
    {
        AsyncDuplexStreamingCall<WatchRequest, WatchResponse> call =
            new Kv.Protos.Etcd.Watch.WatchClient(Connection(stream)).Watch(cancellationToken: over);
        int created = 0;
        for (int watch = stream; watch < shape.Watches; watch += shape.Streams)
        {
            var create = new WatchCreateRequest { Key = Key(watch), WatchId = watch + 1 };
            await call.RequestStream.WriteAsync(new WatchRequest { CreateRequest = create }, over);
            created++;
        }
        for (; created > 0; created--)
        {
            await call.ResponseStream.MoveNext(over);
        }
        return ReadAsync(call, over);
    }

    private GrpcChannel Connection(int stream)
    {
        lock (_lock)
        {
            while (_connections.Count <= stream / StreamsPerConnection)
            {
                _connections.Add(server.Connect());
            }
            return _connections[stream / StreamsPerConnection];
        }
    }

    private async Task ReadAsync(
        AsyncDuplexStreamingCall<WatchRequest, WatchResponse> call, CancellationToken over)
    {
        try
        {
            while (await call.ResponseStream.MoveNext(over))
            {
                Note(call.ResponseStream.Current);
            }
        }
        catch (Exception end) when (end is RpcException or OperationCanceledException
            && over.IsCancellationRequested)
        {
            // Our own doing.
        }
        finally
        {
            call.Dispose();
        }
    }

    private void Note(WatchResponse reply)
    {
        long now = Stopwatch.GetTimestamp();
        lock (_lock)
        {
            foreach (Event one in reply.Events)
            {
                _ticks.Add(now - BitConverter.ToInt64(one.Kv.Value.Span));
                if (++_versions[reply.WatchId - 1] != one.Kv.Version)
                {
                    Interlocked.Increment(ref _wrong);
                }
            }
        }
        Interlocked.Add(ref _events, reply.Events.Count);
    }

    // Open loop: a slow server does not make it ask less.
    private async Task PutAsync(TimeSpan duration, int putsPerSecond)
    {
        using GrpcChannel connection = server.Connect();
        var kv = new KV.KVClient(connection);
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1.0 / putsPerSecond));
        int puts = (int)(duration.TotalSeconds * putsPerSecond);
        long expected = Interlocked.Read(ref _events) + ((long)puts * (shape.SameKey ? shape.Watches : 1));
        List<Task> calls = [];
        for (int i = 0; i < puts; i++)
        {
            await timer.WaitForNextTickAsync();
            calls.Add(PutAsync(kv, i % shape.Watches));
        }
        await Task.WhenAll(calls);
        long deadline = Stopwatch.GetTimestamp() + (30 * Stopwatch.Frequency);
        while (Interlocked.Read(ref _events) < expected && Stopwatch.GetTimestamp() < deadline)
        {
            await Task.Delay(10);
        }
        Interlocked.Add(ref _wrong, expected - Interlocked.Read(ref _events));
    }

    private async Task PutAsync(KV.KVClient kv, int watch)
    {
        byte[] value = new byte[ValueBytes];
        long began = Stopwatch.GetTimestamp();
        BitConverter.TryWriteBytes(value, began);
        await kv.PutAsync(new PutRequest { Key = Key(watch), Value = ByteString.CopyFrom(value) });
        lock (_lock)
        {
            _putTicks.Add(Stopwatch.GetTimestamp() - began);
        }
    }

    private ByteString Key(int watch) => ByteString.CopyFromUtf8(shape.SameKey ? "same" : $"key-{watch:d6}");
}
