using System.Diagnostics;
using Grpc.Core;
using Kv.Bench.Machine;
using Kv.Protos.V1;

namespace Kv.Bench.Load;

/// <summary>Puts of one size over many keys, spread over the nodes.</summary>
internal sealed class PutLoad(IReadOnlyList<BenchNode> nodes, int valueBytes, int keys)
{
    private const int DeadlineSeconds = 10;

    private readonly KvService.KvServiceClient[] _clients = [.. nodes.Select(static node => node.Kv)];
    private readonly string _value = $"\"{new string('v', valueBytes - 2)}\"";
    private long _next;

    /// <summary>Closed loop: so many calls are always under way.</summary>
    public async Task<CallCounts> ClosedAsync(int inFlight, TimeSpan duration)
    {
        var counts = new CallCounts();
        long began = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, inFlight).Select(_ => Task.Run(async () =>
        {
            while (Stopwatch.GetElapsedTime(began) < duration)
            {
                await CallAsync(counts);
            }
        })));
        return counts;
    }

    /// <summary>
    /// Open loop: calls begin at a rate, however many are under way; as many as <paramref
    /// name="inFlightMax"/> at most, which bounds this process only.
    /// </summary>
    public async Task<CallCounts> OpenAsync(double perSecond, int inFlightMax, TimeSpan duration)
    {
        var counts = new CallCounts();
        long began = Stopwatch.GetTimestamp();
        int underWay = 0;
        while (Stopwatch.GetElapsedTime(began) is var elapsed && elapsed < duration)
        {
            long due = (long)(elapsed.TotalSeconds * perSecond);
            while (counts.Offered < due && Volatile.Read(ref underWay) < inFlightMax)
            {
                Interlocked.Increment(ref underWay);
                _ = CallAsync(counts).ContinueWith(
                    _ => Interlocked.Decrement(ref underWay), TaskScheduler.Default);
            }
            await Task.Delay(1);
        }
        while (Volatile.Read(ref underWay) > 0)
        {
            await Task.Delay(10);
        }
        return counts;
    }

    private async Task CallAsync(CallCounts counts)
    {
        long number = Interlocked.Increment(ref _next);
        counts.NoteOffered();
        try
        {
            await _clients[number % _clients.Length].SetAsync(
                new SetRequest { Key = $"key-{number % keys:d9}", ValueJson = _value },
                deadline: DateTime.UtcNow.AddSeconds(DeadlineSeconds));
            counts.NoteEnd(StatusCode.OK);
        }
        catch (RpcException refused)
        {
            counts.NoteEnd(refused.StatusCode);
        }
    }
}
