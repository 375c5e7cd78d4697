using Kv.Actors.Queue;
using Kv.Core.Merge;
using Xunit.Abstractions;

namespace Kv.Actors.Tests.Queue;

/// <summary>QUEUE_ORDER=arrival, which exists to show what goes wrong without versions.</summary>
public sealed class ArrivalOrderTests(ITestOutputHelper output) : QueueClusterTestKit(output)
{
    [Fact]
    public async Task Nodes_that_receive_two_writes_in_different_order_stay_different()
    {
        QueueNode a = await StartReadyAsync("a", ByArrival);
        QueueNode b = await StartReadyAsync("b", ByArrival);
        int pulls = Peers.Pulls;

        Commands.Reaches = (_, node) => node == "a";
        PublishPlain("SET", "k", "1", "u1");
        PublishPlain("SET", "k", "2", "u2");
        Commands.Reaches = (_, node) => node == "b";
        PublishPlain("SET", "k", "2", "u2");
        PublishPlain("SET", "k", "1", "u1");
        Commands.Reaches = (_, _) => true;
        await SetAsync(a, "last", "0");
        await UntilAsync(async () => await LocalAsync(b, "last") == "0");

        Assert.Equal(("2", "1"), (await LocalAsync(a, "k"), await LocalAsync(b, "k")));
        Assert.NotEqual((await a.GetStatusAsync(default)).Digest, (await b.GetStatusAsync(default)).Digest);
        Assert.Equal(pulls, Peers.Pulls);
    }

    [Fact]
    public async Task A_joiner_copies_one_peer_once()
    {
        QueueNode a = await StartReadyAsync("a", ByArrival);
        await SetAsync(a, "k", "1");
        await SetAsync(a, "gone", "1");
        PublishPlain("DEL", "gone", "null", "u");

        QueueNode b = await StartReadyAsync("b", ByArrival);

        await UntilAsync(async () => await ContentsAsync(b) == "k=1");
        Assert.Equal(1, Peers.Pulls);
    }

    private static QueueNodeOptions ByArrival(QueueNodeOptions same) =>
        same with { Order = WriteOrder.Arrival };
}
