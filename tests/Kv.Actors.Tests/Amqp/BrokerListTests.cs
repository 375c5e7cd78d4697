using Kv.Actors.Log.Amqp;

namespace Kv.Actors.Tests.Amqp;

public sealed class BrokerListTests
{
    private static readonly Uri[] Uris =
        [new("amqp://u:secret@a:1"), new("amqp://u:secret@b"), new("amqps://u:secret@c")];

    [Theory]
    [InlineData(0, "a:1")]
    [InlineData(4, "b:5672")]
    [InlineData(-1, "a:1")]
    public void It_starts_at_any_number_modulo_its_length(int startsAt, string endpoint) =>
        Assert.Equal(endpoint, new BrokerList(Uris, startsAt).Current.Endpoint);

    [Fact]
    public void Leaving_goes_round()
    {
        var brokers = new BrokerList(Uris, 1);
        brokers.Leave(brokers.Current);
        Assert.Equal("c:5671", brokers.Current.Endpoint);
        brokers.Leave(brokers.Current);
        Assert.Equal("a:1", brokers.Current.Endpoint);
    }

    [Fact]
    public void A_broker_is_left_once_whoever_says_so_and_how_often()
    {
        var brokers = new BrokerList(Uris);
        BrokerList.Broker first = brokers.Current;
        BrokerList.Broker second = Next(brokers);

        brokers.Leave(first);

        Assert.Same(second, brokers.Current);
        Assert.True(first.Left.IsCancellationRequested);
        Assert.False(second.Left.IsCancellationRequested);
    }

    [Fact]
    public void A_later_stay_at_the_same_broker_is_not_ended_by_word_of_the_former()
    {
        var brokers = new BrokerList(Uris);
        BrokerList.Broker first = brokers.Current;
        Next(brokers);
        Next(brokers);
        BrokerList.Broker again = Next(brokers);

        brokers.Leave(first);

        Assert.Equal(first.Endpoint, again.Endpoint);
        Assert.Same(again, brokers.Current);
    }

    [Fact]
    public void The_only_broker_is_never_left()
    {
        var brokers = new BrokerList([Uris[0]]);
        BrokerList.Broker only = brokers.Current;

        brokers.Leave(only);

        Assert.Same(only, brokers.Current);
        Assert.False(only.Left.IsCancellationRequested);
    }

    [Fact]
    public void No_password_is_printed() =>
        Assert.Equal("a:1, b:5672, c:5671", new BrokerList(Uris).ToString());

    private static BrokerList.Broker Next(BrokerList brokers)
    {
        brokers.Leave(brokers.Current);
        return brokers.Current;
    }
}
