using Kv.Host.Tests.Hosting;

namespace Kv.Host.Tests.Settings;

public sealed class InvalidSettingTests
{
    [Theory]
    [InlineData("RPC_PORT", "--rpc-port", "0", "1 to 65535")]
    [InlineData("RPC_PORT", "--rpc-port", "65536", "1 to 65535")]
    [InlineData("RPC_PORT", "--rpc-port", "5e4", "1 to 65535")]
    [InlineData("HTTP_PORT", "--http-port", "-1", "0 to 65535")]
    [InlineData("KV_BIND_ADDRESS", "--bind-address", "example.org", "localhost, * (all) or an IP address")]
    [InlineData("NODE_ID", "--node-id", "two words", "1 to 64 letters, digits and . _ - :")]
    [InlineData(
        "NODE_ID",
        "--node-id",
        "a-name-of-65-characters-0123456789012345678901234567890123456789a",
        "1 to 64 letters, digits and . _ - :")]
    [InlineData("KV_DATA_DIR", "--data-dir", "/dev/null/data", "a directory that can be written")]
    [InlineData("KV_NODES", "--nodes", "0", "1 to 16")]
    [InlineData("KV_NODES", "--nodes", "17", "1 to 16")]
    [InlineData("REPLICATION", "--replication", "Raft", "embedded, stream or queue")]
    [InlineData(
        "AMQP_URL",
        "--amqp-url",
        "http://h",
        "amqp://user:password@host:5672/vhost or amqps://…, separated by commas")]
    [InlineData("EXCHANGE_NAME", "--exchange-name", "kv/entries", "1 to 200 letters, digits and . _ - :")]
    [InlineData("KV_ADVERTISED_URL", "--advertised-url", "localhost:50051", "http://host:port")]
    [InlineData("KV_CLUSTER", "--cluster", "new", "auto or join")]
    [InlineData("KV_CLUSTER_SIZE", "--cluster-size", "100", "0 to 99")]
    [InlineData("KV_LOG_BYTES_MAX", "--log-bytes-max", "999999999", "1000000000 to 4000000000000")]
    [InlineData("KV_SNAPSHOT_LOG_BYTES", "--snapshot-log-bytes", "65535", "65536 to 1000000000000")]
    [InlineData("KV_SKIP_OFFSET", "--skip-offset", "1,-2", "offsets, separated by commas; at most 64")]
    [InlineData("KV_QUOTA_BYTES", "--quota-bytes", "2GB", "0 to 1000000000000")]
    [InlineData(
        "KV_AUTO_COMPACTION",
        "--auto-compaction",
        "1h",
        "off, revisions:N, age:Ns, age:Nm or age:Nh")]
    [InlineData("QUEUE_ORDER", "--queue-order", "FIFO", "lww or arrival")]
    [InlineData("QUEUE_DURABLE", "--queue-durable", "yes", "true or false")]
    [InlineData(
        "LOG_LEVEL", "--log-level", "loud", "Verbose, Debug, Information, Warning, Error or Fatal")]
    public async Task A_value_that_is_not_allowed_is_named_with_what_is(
        string name, string option, string value, string allowed)
    {
        HostRun run = await HostRun.ToEndAsync(new Dictionary<string, string> { [name] = value });

        Assert.Equal($"kv-host: {name} ({option}) is \"{value}\"; allowed is {allowed}.\n", run.Error);
        Assert.Equal(2, run.ExitCode);
    }

    [Theory]
    [InlineData("REPLICATION is embedded, but AMQP_URL is set", "REPLICATION=embedded AMQP_URL=amqp://host")]
    [InlineData("REPLICATION is stream, but AMQP_URL is not set", "REPLICATION=stream")]
    [InlineData("REPLICATION is queue, but AMQP_URL is not set", "REPLICATION=queue")]
    [InlineData("KV_NODES is 3, but several nodes", "KV_NODES=3 AMQP_URL=amqp://host")]
    [InlineData("KV_CLUSTER is join", "KV_CLUSTER=join")]
    [InlineData("KV_PEERS is set, which REPLICATION=stream has only", "KV_PEERS=http://host:1")]
    [InlineData("KV_PEERS (--peers) is \"b:1\"; allowed", "KV_PEERS=http://a:1,b:1 AMQP_URL=amqp://host")]
    [InlineData("RPC_PORT 20001 and HTTP_PORT 20001 overlap", "RPC_PORT=20001 HTTP_PORT=20001")]
    [InlineData("RPC_PORT 20001 and HTTP_PORT 20003 overlap", "RPC_PORT=20001 HTTP_PORT=20003 KV_NODES=3")]
    [InlineData("RPC_PORT 65535 and HTTP_PORT 8080 leave no room", "RPC_PORT=65535 KV_NODES=2")]
    public async Task Settings_that_contradict_each_other_are_both_named(string message, string settings)
    {
        Dictionary<string, string> environment = settings.Split(' ')
            .Select(static setting => setting.Split('='))
            .ToDictionary(static pair => pair[0], static pair => pair[1]);

        HostRun run = await HostRun.ToEndAsync(environment);

        Assert.StartsWith($"kv-host: {message}", run.Error, StringComparison.Ordinal);
        Assert.Equal(2, run.ExitCode);
    }

    [Theory]
    [InlineData("http://user:s3cret@host")]
    [InlineData("amqp://user:s3cret@")]
    [InlineData("amqp://user:s3cret")]
    [InlineData("user:s3cret@host")]
    [InlineData("amqp:/user:s3cret")]
    [InlineData("amqp://user:s3c/r@et@host")]
    [InlineData("amqp://user:a@host,amqp://user:s3cret@")]
    [InlineData("amqp://user:s3cret@host,user:s3cret@host")]
    [InlineData("amqp://user:s3c,ret@host")]
    [InlineData("amqp://user:s3cret#@host", "KV_NODES", "3")]
    [InlineData("amqp://user:s3cret@host", "KV_NODES", "3")]
    [InlineData("amqp://user:s3cret@host", "REPLICATION", "embedded")]
    public async Task No_part_of_a_password_is_printed(
        string url, string other = "NODE_ID", string value = "a")
    {
        HostRun run = await HostRun.ToEndAsync(
            new Dictionary<string, string> { ["AMQP_URL"] = url, [other] = value });

        Assert.Equal(2, run.ExitCode);
        Assert.DoesNotMatch("s3c|ret|et@", run.Output + run.Error);
    }

    [Fact]
    public async Task No_password_is_logged_while_the_broker_is_away()
    {
        await using HostProcess host = await HostProcess.StartAsync(new HostStart
        {
            Environment = new Dictionary<string, string>
            {
                ["AMQP_URL"] = $"amqp://user:s3cret@localhost:{FreePorts.Take(1)}/",
                ["LOG_LEVEL"] = "Verbose",
            },
            WaitsUntilReady = false,
        });

        await host.TerminateAsync();

        Assert.DoesNotContain("s3cret", host.Output, StringComparison.Ordinal);
    }
}
