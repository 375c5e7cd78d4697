using Kv.Testing.Brokers;

namespace Kv.Host.Tests.Amqp;

/// <summary>A private RabbitMQ node for the tests of a collection.</summary>
public sealed class RabbitMqBroker : RabbitMqNode, IAsyncLifetime
{
    public Task InitializeAsync() => StartAsync();

    public Task DisposeAsync() => CleanAsync();
}

/// <summary>
/// Tests that leave the broker as it is, apart from exchanges and queues with names of their own.
/// </summary>
[CollectionDefinition(Name)]
public sealed class SharedBroker : ICollectionFixture<RabbitMqBroker>
{
    public const string Name = "shared broker";
}

/// <summary>Tests that kill, pause or throttle the broker. Each leaves it running and unthrottled.</summary>
[CollectionDefinition(Name)]
public sealed class FaultyBroker : ICollectionFixture<RabbitMqBroker>
{
    public const string Name = "faulty broker";
}
