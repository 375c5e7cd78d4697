using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Grpc.Core;
using Kv.Bench.Machine;

namespace Kv.Bench.Load;

/// <summary>
/// Puts of one size over many keys, spread over the nodes. They are gRPC calls made by hand, from bytes that
/// are there already: what makes the load must be cheaper than what bears it.
/// </summary>
internal sealed class PutLoad : IDisposable
{
    /// <summary>Connections to one node, as of so many clients; each carries 100 calls at once.</summary>
    internal const int Connections = 8;

    private const int DeadlineSeconds = 10;

    private const string KeyFormat = "key-000000000";

    // One connection each: told to take several, the handler bounds them by nothing.
    private readonly HttpMessageInvoker[] _http =
    [
        .. Enumerable.Range(0, Connections).Select(static _ => new HttpMessageInvoker(new SocketsHttpHandler
        {
            EnableMultipleHttp2Connections = false,
            UseCookies = false,
            AllowAutoRedirect = false,
        })),
    ];

    private readonly Uri[] _nodes;
    private readonly int _keys;
    private readonly byte[] _message;
    private readonly int _keyAt;
    private long _next;

    public PutLoad(IReadOnlyList<BenchNode> nodes, int valueBytes, int keys)
    {
        _nodes = [.. nodes.Select(static node => new Uri(node.Address, "/kv.v1.KvService/Set"))];
        _keys = keys;
        byte[] request = Google.Protobuf.MessageExtensions.ToByteArray(new Protos.V1.SetRequest
        {
            Key = KeyFormat,
            ValueJson = $"\"{new string('v', valueBytes - 2)}\"",
        });
        _message = [0, 0, 0, 0, 0, .. request];
        BinaryPrimitives.WriteInt32BigEndian(_message.AsSpan(1), request.Length);
        _keyAt = _message.AsSpan().IndexOf("key-"u8) + "key-".Length;
    }

    public void Dispose() => Array.ForEach(_http, static http => http.Dispose());

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
    /// name="inFlightMax"/> at most, which bounds this process only. Calls that are due meanwhile are not
    /// made up for.
    /// </summary>
    public async Task<CallCounts> OpenAsync(double perSecond, int inFlightMax, TimeSpan duration)
    {
        var counts = new CallCounts();
        long began = Stopwatch.GetTimestamp();
        long made = 0;
        int underWay = 0;
        while (Stopwatch.GetElapsedTime(began) is var elapsed && elapsed < duration)
        {
            long due = (long)(elapsed.TotalSeconds * perSecond);
            for (; made < due; made++)
            {
                if (Volatile.Read(ref underWay) >= inFlightMax)
                {
                    counts.NoteNotMade();
                    continue;
                }
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
        using var request = new HttpRequestMessage(HttpMethod.Post, _nodes[number % _nodes.Length])
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new PutContent(this, number % _keys),
        };
        request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        request.Headers.Add("grpc-timeout", $"{DeadlineSeconds}S");
        HttpMessageInvoker http = _http[number / _nodes.Length % _http.Length];
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(DeadlineSeconds));
        try
        {
            using HttpResponseMessage response = await http.SendAsync(request, deadline.Token);
            await response.Content.CopyToAsync(Stream.Null, deadline.Token);
            HttpResponseHeaders last =
                response.Headers.Contains("grpc-status") ? response.Headers : response.TrailingHeaders;
            counts.NoteEnd(
                StatusOf(last), Uri.UnescapeDataString(last.TryGetValues("grpc-message", out var why)
                    ? why.First()
                    : ""));
        }
        catch (OperationCanceledException)
        {
            counts.NoteEnd(StatusCode.DeadlineExceeded, "in the client");
        }
        catch (Exception reset) when (reset is HttpRequestException or IOException)
        {
            counts.NoteEnd(StatusCode.Unavailable, "reset");
        }
    }

    private static StatusCode StatusOf(HttpResponseHeaders headers) =>
        headers.TryGetValues("grpc-status", out IEnumerable<string>? values)
            ? (StatusCode)int.Parse(values.First(), CultureInfo.InvariantCulture)
            : StatusCode.Unknown;

    private sealed class PutContent : HttpContent
    {
        private static readonly MediaTypeHeaderValue Grpc = new("application/grpc");

        private readonly PutLoad _load;
        private readonly long _key;

        public PutContent(PutLoad load, long key)
        {
            (_load, _key) = (load, key);
            Headers.ContentType = Grpc;
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            byte[] head = _load._message[..(_load._keyAt + KeyFormat.Length - "key-".Length)];
            _key.TryFormat(head.AsSpan(_load._keyAt), out _, "d9", CultureInfo.InvariantCulture);
            await stream.WriteAsync(head);
            await stream.WriteAsync(_load._message.AsMemory(head.Length));
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
