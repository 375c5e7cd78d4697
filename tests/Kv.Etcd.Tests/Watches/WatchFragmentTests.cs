using Google.Protobuf;
using Kv.Etcd.Tests.Systems;
using Kv.Protos.Etcd;

namespace Kv.Etcd.Tests.Watches;

/// <summary>What one revision did may be more than a message should have.</summary>
public sealed class WatchFragmentTests
{
    private const int Keys = 4;
    private const int ValueBytes = 1_000_000;

    public static TheoryData<string> All => Candidates.All;

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_large_reply_comes_in_fragments_where_they_are_wanted(string name)
    {
        using EtcdSystem system = await Candidates.StartAsync(name);
        for (int i = 0; i < Keys; i++)
        {
            await system.Endpoint.AskAsync(new PutRequest
            {
                Key = Key($"{i}"),
                Value = ByteString.CopyFrom(new byte[ValueBytes]),
            });
        }
        using var watch = new WatchClient(system.Endpoint);
        await watch.CreateAsync(new WatchCreateRequest
        {
            Key = Key(""),
            RangeEnd = Key("a"),
            PrevKv = true,
            Fragment = true,
        });
        await system.Endpoint.AskAsync(new DeleteRangeRequest { Key = Key(""), RangeEnd = Key("a") });
        List<WatchResponse> parts = [];
        do
        {
            parts.Add(await watch.NextAsync());
        }
        while (parts[^1].Fragment);

        Assert.True(parts.Count > 1);
        Assert.All(parts, static part => Assert.True(part.CalculateSize() < 2 * 1_572_864));
        IEnumerable<Event> events = parts.SelectMany(static part => part.Events);
        Assert.Equal(
            Enumerable.Range(0, Keys).Select(static i => $"fragment-{i}"),
            events.Select(static one => one.Kv.Key.ToStringUtf8()));
        Assert.Single(events.Select(static one => one.Kv.ModRevision).Distinct());
        Assert.All(events, static one => Assert.Equal(ValueBytes, one.PrevKv.Value.Length));
    }

    private static ByteString Key(string name) => ByteString.CopyFromUtf8($"fragment-{name}");
}
