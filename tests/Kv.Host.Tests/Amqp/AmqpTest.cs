using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using Akka;
using Akka.Actor;
using Akka.Streams;
using Akka.Streams.Dsl;
using Kv.Actors.Log;
using Kv.Actors.Log.Amqp;
using RabbitMQ.Client;
using Xunit.Abstractions;

namespace Kv.Host.Tests.Amqp;

/// <summary>
/// What tests against a broker share: an exchange of their own, a materializer, and waiting.
/// </summary>
public abstract class AmqpTest(RabbitMqBroker broker, ITestOutputHelper output) : IAsyncLifetime
{
    /// <summary>
    /// Nothing here takes longer on a loaded machine, ms; a test that waits this long fails.
    /// </summary>
    private const int PatienceMs = 60_000;

    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(PatienceMs);

    private readonly ConcurrentQueue<(TimeSpan At, AmqpEvent Event)> _events = new();
    private readonly Stopwatch _running = Stopwatch.StartNew();
    private readonly ActorSystem _system = ActorSystem.Create("test", "akka.loglevel = ERROR");

    protected RabbitMqBroker Broker { get; } = broker;

    protected AmqpOptions Options { get; init; } = new()
    {
        Brokers = new BrokerList([broker.Uri]),
        ExchangeName = $"test-{Guid.NewGuid():N}",
        ConfirmTimeoutMs = 10_000,
        ConnectTimeoutMs = 10_000,
    };

    protected IMaterializer Materializer => field ??= _system.Materializer();

    protected IEnumerable<AmqpEvent> Events => _events.Select(happened => happened.Event);

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await _system.Terminate();
        foreach ((TimeSpan at, AmqpEvent happened) in _events)
        {
            output.WriteLine($"{at:ss\\.fff} {happened}");
        }
    }

    protected static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    protected static string Text(LogRecord record) => Encoding.UTF8.GetString(record.Entry.Span);

    protected static Task WaitUntilAsync(Func<bool> isMet, string what) =>
        WaitUntilAsync(() => Task.FromResult(isMet()), what);

    protected static async Task WaitUntilAsync(Func<Task<bool>> isMet, string what)
    {
        long giveUpMs = Environment.TickCount64 + PatienceMs;
        while (!await isMet())
        {
            Assert.True(Environment.TickCount64 < giveUpMs, $"Waited {PatienceMs} ms in vain until {what}.");
            await Task.Delay(10);
        }
    }

    protected static Task<T> InTimeAsync<T>(Task<T> task) => task.WaitAsync(Patience);

    protected static Task InTimeAsync(Task task) => task.WaitAsync(Patience);

    protected void Observe(AmqpEvent happened) => _events.Enqueue((_running.Elapsed, happened));

    protected Task<AmqpStreamLog> OpenLogAsync(LogDeclaration declaration = LogDeclaration.CreateIfMissing) =>
        OpenLogAsync(Options, declaration);

    protected Task<AmqpStreamLog> OpenLogAsync(AmqpOptions options, LogDeclaration declaration) =>
        AmqpStreamLog.OpenAsync(options, declaration, Observe, CancellationToken.None);

    /// <summary>Reads until <paramref name="count"/> records have come.</summary>
    protected async Task<List<LogRecord>> ReadAsync(AmqpStreamLog log, long fromOffset, int count) =>
        [.. await InTimeAsync(log.Read(fromOffset).SelectMany(batch => batch).Take(count)
            .RunWith(Sink.Seq<LogRecord>(), Materializer))];

    /// <summary>Everything the source emits, as it comes, until the system ends.</summary>
    protected ConcurrentQueue<T> Collect<T, TMat>(Source<T, TMat> source)
    {
        var collected = new ConcurrentQueue<T>();
        source.RunForeach(collected.Enqueue, Materializer);
        return collected;
    }

    protected Task<Exception> FailureOf<T>(Source<T, NotUsed> source) =>
        InTimeAsync(Assert.ThrowsAnyAsync<Exception>(() => source.RunWith(Sink.Ignore<T>(), Materializer)));

    /// <summary>Does something at the broker by a connection of its own.</summary>
    protected async Task AtBrokerAsync(Func<IChannel, Task> work)
    {
        await using IConnection connection =
            await new ConnectionFactory { Uri = Broker.Uri }.CreateConnectionAsync();
        await using IChannel channel = await connection.CreateChannelAsync(
            new CreateChannelOptions(
                publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true));
        await work(channel);
    }
}
