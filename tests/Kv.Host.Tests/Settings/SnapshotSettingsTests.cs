using Kv.Host.Settings;
using Microsoft.Extensions.Configuration;

namespace Kv.Host.Tests.Settings;

public sealed class SnapshotSettingsTests
{
    [Fact]
    public void Peers_are_addresses_and_this_nodes_own_is_left_out()
    {
        HostSettings settings = Read(
            ("KV_PEERS", "http://a:50051, http://b:50052 ,http://c:50053"),
            ("KV_ADVERTISED_URL", "http://b:50052"));

        Assert.Equal(["http://a:50051/", "http://c:50053/"], settings.Peers.Select(static peer => $"{peer}"));
    }

    [Theory]
    [InlineData("a:50051")]
    [InlineData("ftp://a:1")]
    [InlineData("http://a:1,")]
    [InlineData("http://a:1/path")]
    public void What_is_no_address_is_refused_by_name(string peers)
    {
        var wrong = Assert.Throws<SettingException>(() => Read(("KV_PEERS", peers)));

        Assert.Contains("KV_PEERS (--peers)", wrong.Message);
    }

    [Fact]
    public void Only_a_node_on_a_stream_has_peers()
    {
        var wrong = Assert.Throws<SettingException>(
            () => Read(("KV_PEERS", "http://a:1"), ("AMQP_URL", ""), ("REPLICATION", "embedded")));

        Assert.Contains("REPLICATION=stream", wrong.Message);
    }

    [Fact]
    public void The_bytes_between_snapshots_have_a_default_and_bounds()
    {
        var wrong = Assert.Throws<SettingException>(() => Read(("KV_SNAPSHOT_LOG_BYTES", "1000")));

        Assert.Equal(67_108_864, Read().SnapshotLogBytes);
        Assert.Contains("65536 to 1000000000000", wrong.Message);
    }

    private static HostSettings Read(params (string Name, string Value)[] settings)
    {
        Dictionary<string, string?> all = new() { ["AMQP_URL"] = "amqp://localhost" };
        foreach ((string name, string value) in settings)
        {
            all[name] = value;
        }
        return new SettingsReader(new ConfigurationBuilder().AddInMemoryCollection(all).Build()).Read();
    }
}
