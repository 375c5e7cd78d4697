using Kv.Host.Tests.Hosting;
using Kv.Host.Tests.Wire;
using Kv.Protos.V1;

namespace Kv.Host.Tests.Embedded;

/// <summary>Three nodes that were killed with kill -9 under load and started again.</summary>
public sealed class CrashTests(CrashTests.Killed killed) : IClassFixture<CrashTests.Killed>
{
    public sealed class Killed : IAsyncLifetime
    {
        private const string SetWithId =
            """{"key":"with-id","value":1,"request_id":"0123456789abcdef0123456789abcdef"}""";

        public HostProcess Host { get; private set; } = null!;

        /// <summary>Replies by key. The value of each is its key as a JSON string.</summary>
        public IReadOnlyDictionary<string, SetReply> Acknowledged { get; private set; } = null!;

        /// <summary>Of node 1 some time before it was killed.</summary>
        public StatusReply Before { get; private set; } = null!;

        /// <summary>The answer to a write with a request id, before the kill.</summary>
        public WireAnswer FirstAnswer { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            Host = await HostProcess.StartAsync(new HostStart { Nodes = 3 });
            FirstAnswer = await WriteWithIdAsync();
            WriteLoad load = await WriteLoad.StartAsync(Host, nodes: 3, acknowledged: 500);
            Before = await Host.StatusAsync();
            Host.Kill9();
            await load.FailedAsync();
            Acknowledged = load.Acknowledged;
            await Host.RestartAsync();
        }

        public async Task<WireAnswer> WriteWithIdAsync()
        {
            using JsonWireClient wire = JsonWireClient.Start(Host.Target());
            return await wire.CallAsync("Set", SetWithId);
        }

        public async Task DisposeAsync() => await Host.DisposeAsync();
    }

    [Fact]
    public async Task Every_acknowledged_write_is_there()
    {
        PrintReply printed = await killed.Host.Kv(2).PrintAsync(new PrintRequest { Prefix = "load-" });

        Dictionary<string, string> kept = printed.Entries.ToDictionary(
            static entry => entry.Key, static entry => entry.ValueJson);
        Assert.DoesNotContain(
            killed.Acknowledged.Keys, key => kept.GetValueOrDefault(key) != $"\"{key}\"");
    }

    [Fact]
    public async Task The_digest_continues_the_one_before()
    {
        StatusReply after = await killed.Host.StatusAsync();

        string chainBefore = EmbeddedLogFile.ChainAt(killed.Host, killed.Before.AppliedOffset);
        string chainAfter = EmbeddedLogFile.ChainAt(killed.Host, after.AppliedOffset);
        Assert.Equal((chainBefore, chainAfter), (killed.Before.Digest, after.Digest));
    }

    [Fact]
    public async Task Orders_and_revisions_go_on_behind_all_that_were_given()
    {
        SetReply next = await killed.Host.Kv().SetAsync(new SetRequest { Key = "next", ValueJson = "1" });

        Assert.True(killed.Acknowledged.Values.All(
            given => given.Order < next.Order && given.Revision < next.Revision));
    }

    [Fact]
    public async Task The_cluster_is_the_same()
    {
        StatusReply after = await killed.Host.StatusAsync(node: 3);

        Assert.Equal(killed.Before.ClusterId, after.ClusterId);
    }

    [Fact]
    public async Task A_request_id_is_remembered()
    {
        WireAnswer second = await killed.WriteWithIdAsync();

        Assert.Equal(killed.FirstAnswer.Number("order"), second.Number("order"));
    }
}
