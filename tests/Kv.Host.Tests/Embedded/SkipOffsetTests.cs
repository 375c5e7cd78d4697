using Grpc.Core;
using Kv.Host.Tests.Hosting;
using Kv.Protos.V1;
using Microsoft.Data.Sqlite;

namespace Kv.Host.Tests.Embedded;

/// <summary>An entry on disk that nobody can read, and the operator's way on.</summary>
public sealed class SkipOffsetTests
{
    [Fact]
    public async Task An_unreadable_entry_halts_until_the_operator_has_it_skipped()
    {
        Dictionary<string, string> settings = [];
        await using HostProcess host = await HostProcess.StartAsync(new HostStart { Environment = settings });
        await SetAsync(host, "a", "1");
        await host.TerminateAsync();
        long poisoned = Poison(host);

        await host.RestartAsync(waitUntilReady: false);
        StatusReply halted = await InStateAsync(host, "halted");
        await host.TerminateAsync();
        // What follows can be read, and is therefore taken whatever the setting says.
        settings["KV_SKIP_OFFSET"] = $"{poisoned},{poisoned + 1}";
        await host.RestartAsync();
        await SetAsync(host, "b", "2");
        StatusReply skipped = await host.StatusAsync();
        settings.Remove("KV_SKIP_OFFSET");
        await host.TerminateAsync();
        await host.RestartAsync();
        StatusReply later = await host.StatusAsync();

        Assert.Contains($"--skip-offset {poisoned}", halted.Reason);
        Assert.Equal([poisoned], skipped.Log.SkippedOffsets);
        Assert.Contains(skipped.Alarms, static alarm => alarm.Contains("were skipped"));
        Assert.Contains($"does not skip offset {poisoned + 1}", host.Output);
        Assert.Equal((1, 2), (later.Log.Skipped, later.Keys));
    }

    [Fact]
    public async Task The_clusters_size_is_what_the_log_says()
    {
        Dictionary<string, string> settings = new() { ["KV_CLUSTER_SIZE"] = "3" };
        await using HostProcess host = await HostProcess.StartAsync(new HostStart { Environment = settings });
        StatusReply founded = await host.StatusAsync();

        await host.Kv().SetClusterSizeAsync(new SetClusterSizeRequest { Size = 5 });
        StatusReply changed = await host.StatusAsync();
        var refused = await Assert.ThrowsAsync<RpcException>(async () =>
            await host.Kv().SetClusterSizeAsync(new SetClusterSizeRequest { Size = 100 }));

        Assert.Equal((3, 5), (founded.Log.ClusterSize, changed.Log.ClusterSize));
        Assert.Empty(founded.Alarms);
        Assert.Contains(changed.Alarms, static alarm => alarm.Contains("size is 5 and that holds"));
        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
    }

    private static long Poison(HostProcess host)
    {
        using SqliteConnection connection = EmbeddedLogFile.Connect(host, SqliteOpenMode.ReadWrite);
        using SqliteCommand insert = connection.CreateCommand();
        insert.CommandText = """
            INSERT INTO log("offset", entry) SELECT MAX("offset") + 1, $entry FROM log RETURNING "offset"
            """;
        insert.Parameters.AddWithValue("$entry", "KVLE and nothing that makes sense"u8.ToArray());
        return (long)insert.ExecuteScalar()!;
    }

    private static async Task SetAsync(HostProcess host, string key, string value) =>
        await host.Kv().SetAsync(new SetRequest { Key = key, ValueJson = value });

    private static async Task<StatusReply> InStateAsync(HostProcess host, string state)
    {
        StatusReply status = await host.StatusAsync();
        await Eventually.HoldsAsync($"it is {state}", async () =>
        {
            status = await host.StatusAsync();
            return status.State == state;
        });
        return status;
    }
}
