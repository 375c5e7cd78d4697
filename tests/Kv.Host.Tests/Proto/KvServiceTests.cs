using Grpc.Core;
using Kv.Host.Tests.Hosting;
using Kv.Protos.V1;

namespace Kv.Host.Tests.Proto;

public sealed class KvServiceTests(EmbeddedCluster cluster) : ProtoTest(cluster)
{
    [Fact]
    public async Task A_set_is_answered_with_node_order_and_revision()
    {
        SetReply first = await SetAsync("a", "1");

        SetReply second = await SetAsync("a", "1", node: 2);

        Assert.Equal(
            new SetReply
            {
                Node = "node-2",
                Order = first.Order + 1,
                Revision = first.Revision + 1,
                Ack = "persisted",
            },
            second);
    }

    [Fact]
    public async Task A_get_has_the_value_as_it_was_sent()
    {
        SetReply set = await SetAsync("a", "{\"b\" : 1.0}");

        GetReply got = await Kv().GetAsync(new GetRequest { Key = Prefix + "a" });

        Assert.Equal(
            new GetReply
            {
                Node = "node-1",
                Order = set.Order + 1,
                Revision = set.Revision,
                Found = true,
                ValueJson = "{\"b\" : 1.0}",
            },
            got);
    }

    [Fact]
    public async Task A_get_of_no_key_finds_nothing()
    {
        GetReply got = await Kv().GetAsync(new GetRequest { Key = Prefix + "missing" });

        Assert.Equal((false, ""), (got.Found, got.ValueJson));
    }

    [Fact]
    public async Task A_local_get_takes_no_order()
    {
        SetReply set = await SetAsync("a", "1");

        GetReply got = await Kv().GetAsync(
            new GetRequest { Key = Prefix + "a", Consistency = Consistency.Local });

        Assert.Equal(set.Order, got.Order);
    }

    [Fact]
    public async Task A_del_counts_the_keys_it_deleted()
    {
        SetReply set = await SetAsync("a", "1");

        DelReply first = await Kv().DelAsync(new DelRequest { Key = Prefix + "a" });
        DelReply second = await Kv().DelAsync(new DelRequest { Key = Prefix + "a" });

        DelReply expected = new()
        {
            Node = "node-1",
            Order = set.Order + 1,
            Revision = set.Revision + 1,
            Deleted = 1,
            Ack = "persisted",
        };
        Assert.Equal(expected, first);
        Assert.Equal(new DelReply(expected) { Order = set.Order + 2, Deleted = 0 }, second);
    }

    [Fact]
    public async Task A_print_gives_pages_in_the_order_of_the_keys()
    {
        foreach (string name in (string[])["c", "a", "b", "d"])
        {
            await SetAsync(name, $"\"{name}\"");
        }

        PrintReply page = await Kv().PrintAsync(
            new PrintRequest { Prefix = Prefix, After = Prefix + "a", Limit = 2 });

        Assert.Equal(
            [
                new KeyValue { Key = Prefix + "b", ValueJson = "\"b\"" },
                new KeyValue { Key = Prefix + "c", ValueJson = "\"c\"" },
            ],
            page.Entries);
        Assert.True(page.More);
    }

    [Fact]
    public async Task The_last_page_says_that_there_is_no_more()
    {
        await SetAsync("a", "1");

        PrintReply page = await Kv().PrintAsync(new PrintRequest { Prefix = Prefix, Limit = 1 });

        Assert.False(page.More);
    }

    [Fact]
    public async Task The_JSON_service_sees_the_same_keys()
    {
        await Cluster.Wire().CallAsync("Set", $$"""{"key":"{{Prefix}}a","value":[1,  2]}""");

        GetReply got = await Kv().GetAsync(new GetRequest { Key = Prefix + "a" });

        Assert.Equal("[1,  2]", got.ValueJson);
    }

    [Fact]
    public async Task An_empty_key_is_refused()
    {
        Status[] refused =
        [
            await FailureOf(Kv().SetAsync(new SetRequest { ValueJson = "1" })),
            await FailureOf(Kv().GetAsync(new GetRequest())),
            await FailureOf(Kv().DelAsync(new DelRequest())),
        ];

        Assert.All(refused, status => Assert.Equal(
            (StatusCode.InvalidArgument, "The key is empty."), (status.StatusCode, status.Detail)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("hello")]
    [InlineData("1 2")]
    [InlineData("{")]
    [InlineData("// comment\n1")]
    [InlineData("\u00a01")]
    public async Task A_value_that_is_not_JSON_is_refused_with_an_example(string value)
    {
        Status refused = await FailureOf(SetCall(value));

        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
        Assert.Equal(
            "value_json is not JSON. Text is written as a JSON string: \"\\\"hello\\\"\".", refused.Detail);
    }

    [Fact]
    public async Task White_space_around_a_value_is_not_part_of_it()
    {
        await SetAsync("a", " \t\r\n[ 1 ] \n");

        GetReply got = await Kv().GetAsync(new GetRequest { Key = Prefix + "a" });

        Assert.Equal("[ 1 ]", got.ValueJson);
    }

    [Fact]
    public async Task A_value_above_the_limit_is_refused()
    {
        Status refused = await FailureOf(SetCall($"\"{new string('v', 2 * 1_048_576)}\""));

        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
    }

    [Fact]
    public async Task A_negative_limit_is_refused()
    {
        Status refused = await FailureOf(Kv().PrintAsync(new PrintRequest { Limit = -1 }));

        Assert.Equal(
            (StatusCode.InvalidArgument, "limit is -1; it must be at least 0."),
            (refused.StatusCode, refused.Detail));
    }

    [Fact]
    public async Task A_consistency_there_is_not_is_refused()
    {
        const Consistency unknown = (Consistency)7;

        Status[] refused =
        [
            await FailureOf(Kv().GetAsync(new GetRequest { Key = Prefix + "a", Consistency = unknown })),
            await FailureOf(Kv().PrintAsync(new PrintRequest { Consistency = unknown })),
        ];

        Assert.All(refused, static status => Assert.Equal(StatusCode.InvalidArgument, status.StatusCode));
    }

    [Fact]
    public async Task Status_tells_what_the_node_knows_of_itself()
    {
        SetReply set = await SetAsync("a", "1", node: 2);

        StatusReply status = await Kv(2).StatusAsync(new StatusRequest());

        Assert.Equal(
            ("node-2", "embedded", "ready", "", "0.1.0"),
            (status.Node, status.Mode, status.State, status.Reason, status.Version));
        Assert.Equal((set.Order, set.Revision), (status.Order, status.Revision));
        Assert.Matches("^[0-9a-f]{16}$", status.ClusterId);
        Assert.Matches("^[0-9a-f]{32}$", status.Digest);
    }

    [Fact]
    public async Task Status_counts_the_keys()
    {
        StatusReply before = await Kv().StatusAsync(new StatusRequest());
        await SetAsync("a", "1");
        await SetAsync("a", "2");
        await SetAsync("b", "1");
        await Kv().DelAsync(new DelRequest { Key = Prefix + "b" });

        StatusReply after = await Kv().StatusAsync(new StatusRequest());

        Assert.Equal(before.Keys + 1, after.Keys);
    }

    private AsyncUnaryCall<SetReply> SetCall(string valueJson) =>
        Kv().SetAsync(new SetRequest { Key = Prefix + "a", ValueJson = valueJson });
}
