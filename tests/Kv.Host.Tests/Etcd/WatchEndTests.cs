using Google.Protobuf;
using Grpc.Core;
using Kv.Host.Tests.Hosting;
using Kv.Protos.Etcd;

namespace Kv.Host.Tests.Etcd;

public sealed class WatchEndTests
{
    [Fact]
    public async Task A_node_that_stops_tells_its_watchers_to_go_elsewhere_and_does_not_wait_for_them()
    {
        await using HostProcess host = await HostProcess.StartAsync();
        using AsyncDuplexStreamingCall<WatchRequest, WatchResponse> watch = await WatchAsync(host);

        Task<int> exit = host.TerminateAsync();

        RpcException end = await Assert.ThrowsAsync<RpcException>(
            () => watch.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(StatusCode.Unavailable, end.StatusCode);
        Assert.Equal(0, await exit.WaitAsync(TimeSpan.FromSeconds(15)));
    }

    [Fact]
    public async Task A_client_that_does_not_read_does_not_hold_up_the_end()
    {
        await using HostProcess host = await HostProcess.StartAsync();
        using AsyncDuplexStreamingCall<WatchRequest, WatchResponse> watch = await WatchAsync(host);
        var kv = new KV.KVClient(host.Channel());
        ByteString large = ByteString.CopyFrom(new byte[500_000]);
        for (int i = 0; i < 20; i++)
        {
            await kv.PutAsync(new PutRequest { Key = ByteString.CopyFromUtf8("a"), Value = large });
        }

        int exit = await host.TerminateAsync().WaitAsync(TimeSpan.FromSeconds(15));

        Assert.Equal(0, exit);
    }

    private static async Task<AsyncDuplexStreamingCall<WatchRequest, WatchResponse>> WatchAsync(
        HostProcess host)
    {
        AsyncDuplexStreamingCall<WatchRequest, WatchResponse> watch =
            new Kv.Protos.Etcd.Watch.WatchClient(host.Channel()).Watch();
        await watch.RequestStream.WriteAsync(new WatchRequest
        {
            CreateRequest = new WatchCreateRequest { Key = ByteString.CopyFromUtf8("a") },
        });
        await watch.ResponseStream.MoveNext(CancellationToken.None);
        Assert.True(watch.ResponseStream.Current.Created);
        return watch;
    }
}
