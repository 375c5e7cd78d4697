using Kv.Host.Tests.Hosting;
using Kv.Protos.V1;

namespace Kv.Host.Tests.Embedded;

/// <summary>The lines by which an operator sees that all nodes apply the same in the same order.</summary>
[Collection(EmbeddedClusterCollection.Name)]
public sealed class CommandLogTests(EmbeddedCluster cluster)
{
    [Fact]
    public async Task Every_node_logs_each_command_with_its_order_and_sender()
    {
        string key = $"logged-{Guid.NewGuid():n}";

        SetReply set = await cluster.Host.Kv(2).SetAsync(new SetRequest { Key = key, ValueJson = "1" });

        await LoggedAsync($"node-1 applied {set.Order} SET {key} from node-2 as ");
        await LoggedAsync($"node-2 applied {set.Order} SET {key} from node-2 as ");
        await LoggedAsync($"node-3 applied {set.Order} SET {key} from node-2 as ");
    }

    [Fact]
    public async Task A_key_cannot_forge_a_log_line()
    {
        string key = $"{Guid.NewGuid():n}\n12:00:00.000 FTL node-1 halts\u001b[2J";

        await cluster.Host.Kv().SetAsync(new SetRequest { Key = key, ValueJson = "1" });

        await LoggedAsync($@"SET {key[..32]}\u000a12:00:00.000 FTL node-1 halts\u001b[2J from node-1 as ");
    }

    [Fact]
    public void A_start_that_goes_well_logs_no_warning()
    {
        string start = cluster.Host.Output.Split(" applied ")[0];

        Assert.DoesNotMatch(@"(?m)^\S+ (WRN|ERR|FTL) ", start);
    }

    private Task LoggedAsync(string text) => Eventually.HoldsAsync(
        $"\"{text}\" is logged",
        () => Task.FromResult(cluster.Host.Output.Contains(text, StringComparison.Ordinal)));
}
