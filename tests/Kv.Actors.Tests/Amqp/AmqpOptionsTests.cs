using Kv.Actors.Log.Amqp;

namespace Kv.Actors.Tests.Amqp;

public sealed class AmqpOptionsTests
{
    private static readonly AmqpOptions Options = new()
    {
        Brokers = new BrokerList([new Uri("amqp://user:secret@broker/vhost")]),
        ExchangeName = "kv",
    };

    [Fact]
    public void The_stream_is_named_after_the_exchange_unless_it_has_a_name()
    {
        Assert.Equal("kv.log", Options.StreamName);
        Assert.Equal("other", (Options with { StreamName = "other" }).StreamName);
    }

    [Fact]
    public void The_password_is_not_printed()
    {
        Assert.DoesNotContain("secret", Options.ToString());
        Assert.StartsWith("broker:5672,", Options.ToString());
    }

    [Fact]
    public void The_defaults_are_in_bounds() => Options.Validate();

    [Theory]
    [MemberData(nameof(OutOfBounds))]
    public void A_value_out_of_bounds_is_refused_by_name(string name, AmqpOptions options)
    {
        Assert.Equal(name, Assert.Throws<ArgumentException>(options.Validate).ParamName);
    }

    public static TheoryData<string, AmqpOptions> OutOfBounds() => new()
    {
        { nameof(AmqpOptions.Brokers), Options with { Brokers = new([new Uri("http://broker")]) } },
        { nameof(AmqpOptions.ExchangeName), Options with { ExchangeName = "" } },
        { nameof(AmqpOptions.StreamName), Options with { StreamName = new string('x', 256) } },
        { nameof(AmqpOptions.LogBytesMax), Options with { LogBytesMax = 100 << 20 } },
        { nameof(AmqpOptions.SegmentBytesMax), Options with { SegmentBytesMax = 3_000_000_001 } },
        { nameof(AmqpOptions.Prefetch), Options with { Prefetch = 65_536 } },
        { nameof(AmqpOptions.WindowMax), Options with { WindowMax = 0 } },
        { nameof(AmqpOptions.ReconnectDelayMsMax), Options with { ReconnectDelayMsMax = 99 } },
    };
}
