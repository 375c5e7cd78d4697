using Grpc.Core;
using Kv.Etcd.Tests.Systems;
using Kv.Protos.Etcd;

namespace Kv.Etcd.Tests.Watches;

/// <summary>One stream of watches, message by message.</summary>
internal sealed class WatchClient(EtcdEndpoint endpoint) : IDisposable
{
    /// <summary>Longest wait for what has to come, s.</summary>
    private const int WaitSecondsMax = 20;

    private readonly AsyncDuplexStreamingCall<WatchRequest, WatchResponse> _stream = endpoint.Watch.Watch();

    public Task SendAsync(WatchCreateRequest create) =>
        _stream.RequestStream.WriteAsync(new WatchRequest { CreateRequest = create });

    public Task CancelAsync(long id) => _stream.RequestStream.WriteAsync(
        new WatchRequest { CancelRequest = new WatchCancelRequest { WatchId = id } });

    public Task AskProgressAsync() => _stream.RequestStream.WriteAsync(
        new WatchRequest { ProgressRequest = new WatchProgressRequest() });

    public Task CompleteAsync() => _stream.RequestStream.CompleteAsync();

    public async Task<WatchResponse> CreateAsync(WatchCreateRequest create)
    {
        await SendAsync(create);
        return await NextAsync();
    }

    /// <summary>The next message, whatever it is.</summary>
    public async Task<WatchResponse> NextAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(WaitSecondsMax));
        Assert.True(await _stream.ResponseStream.MoveNext(patience.Token), "The stream has ended.");
        return _stream.ResponseStream.Current;
    }

    public void Dispose() => _stream.Dispose();
}
