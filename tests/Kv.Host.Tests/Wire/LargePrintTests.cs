using System.Text.Json;
using Grpc.Core;
using Kv.Host.Tests.Hosting;
using Kv.Protos.V1;

namespace Kv.Host.Tests.Wire;

/// <summary>A store that holds more than one message can.</summary>
public sealed class LargePrintTests(LargePrintTests.Store store) : IClassFixture<LargePrintTests.Store>
{
    private const string Advice =
        "The snapshot exceeds the message limit of 4194304 bytes. Ask for it in parts with prefix, after and "
        + "limit.";

    public sealed class Store : IAsyncLifetime
    {
        public HostProcess Host { get; private set; } = null!;

        public JsonWireClient Wire { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            Host = await HostProcess.StartAsync(new HostStart
            {
                Environment = new Dictionary<string, string> { ["NODE_ID"] = new('n', 64) },
            });
            Wire = JsonWireClient.Start(Host.Target());
            foreach (string key in (string[])["page-a", "page-b", "page-c", "page-d"])
            {
                await SetAsync(key, 1_300_000);
            }
            // As protobuf the three entries alone have 20 bytes less than a message may: no room for the
            // reply's rest.
            await SetAsync("full-a", 1_400_000);
            await SetAsync("full-b", 1_400_000);
            await SetAsync("full-c", 4_194_304 - (2 * 1_400_000) - 66 - 20);
        }

        public async Task DisposeAsync()
        {
            Wire.Dispose();
            await Host.DisposeAsync();
        }

        private async Task SetAsync(string key, int textBytes)
        {
            string valueJson = $"\"{new string('v', textBytes)}\"";
            await Host.Kv().SetAsync(new SetRequest { Key = key, ValueJson = valueJson });
        }
    }

    [Fact]
    public async Task A_print_that_exceeds_a_message_is_refused_and_says_how_to_ask()
    {
        WireAnswer refused = await store.Wire.CallAsync("Print", "{}");

        Assert.Equal(("RESOURCE_EXHAUSTED", Advice), (refused.Code, refused.Details));
    }

    [Fact]
    public async Task It_works_in_pages()
    {
        List<string> keys = [];
        bool more = true;

        while (more)
        {
            string after = keys.LastOrDefault() ?? "";
            WireAnswer page = await store.Wire.CallAsync(
                "Print", JsonSerializer.Serialize(new { prefix = "page-", after, limit = 3 }));
            keys.AddRange(page.Keys);
            more = page["more"].GetBoolean();
        }

        Assert.Equal(["page-a", "page-b", "page-c", "page-d"], keys);
    }

    [Fact]
    public async Task A_protobuf_print_that_exceeds_a_message_is_refused_and_says_how_to_ask()
    {
        var refused = await Assert.ThrowsAsync<RpcException>(
            async () => await store.Host.Kv().PrintAsync(new PrintRequest()));

        Assert.Equal((StatusCode.ResourceExhausted, Advice), (refused.StatusCode, refused.Status.Detail));
    }

    [Fact]
    public async Task A_protobuf_print_counts_the_whole_message()
    {
        var refused = await Assert.ThrowsAsync<RpcException>(
            async () => await store.Host.Kv().PrintAsync(new PrintRequest { Prefix = "full-" }));

        Assert.Equal((StatusCode.ResourceExhausted, Advice), (refused.StatusCode, refused.Status.Detail));
    }
}
