using Kv.Actors.Nodes;
using Kv.Host.Settings;
using Microsoft.Extensions.Configuration;

namespace Kv.Host.Tests.Settings;

public sealed class AckSettingTests
{
    [Fact]
    public void It_is_replicated_unless_it_is_said()
    {
        Assert.Equal(AckLevel.Replicated, Read(("AMQP_URL", "amqp://localhost")).Ack);
        Assert.Equal(
            AckLevel.Persisted,
            Read(("AMQP_URL", "amqp://localhost"), ("ACK", "persisted"), ("KV_CLUSTER_SIZE", "3")).Ack);
    }

    [Fact]
    public void Persisted_without_a_cluster_size_is_refused()
    {
        var wrong = Assert.Throws<SettingException>(
            () => Read(("AMQP_URL", "amqp://localhost"), ("ACK", "persisted")));

        Assert.Contains("KV_CLUSTER_SIZE (--cluster-size) is not set", wrong.Message);
    }

    [Theory]
    [InlineData("embedded", null)]
    [InlineData("queue", "amqp://localhost")]
    public void Persisted_is_for_stream_mode_only(string mode, string? url)
    {
        var wrong = Assert.Throws<SettingException>(() => Read(
            ("REPLICATION", mode), ("AMQP_URL", url), ("ACK", "persisted"), ("KV_CLUSTER_SIZE", "3")));

        Assert.Contains($"it is {mode}", wrong.Message);
    }

    private static HostSettings Read(params (string Name, string? Value)[] settings) =>
        new SettingsReader(new ConfigurationBuilder()
            .AddInMemoryCollection(settings.ToDictionary(static s => s.Name, static s => s.Value))
            .Build()).Read();
}
