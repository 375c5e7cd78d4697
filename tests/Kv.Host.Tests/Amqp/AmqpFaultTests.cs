using System.Collections.Concurrent;
using System.Diagnostics;
using Akka.Streams;
using Akka.Streams.Dsl;
using Kv.Actors.Log;
using Kv.Actors.Log.Amqp;
using Xunit.Abstractions;

namespace Kv.Host.Tests.Amqp;

[Collection(FaultyBroker.Name)]
public sealed class AmqpFaultTests(RabbitMqBroker broker, ITestOutputHelper output)
    : AmqpTest(broker, output)
{
    private enum Outcome
    {
        Confirmed,
        Unknown,
        Unavailable,
    }

    [Fact]
    public async Task What_was_confirmed_before_the_broker_was_killed_is_read_back_after_it_has_restarted()
    {
        await using AmqpStreamLog log = await OpenLogAsync();
        await using var appender = new Appender(log);
        await WaitUntilAsync(() => appender.CountOf(Outcome.Confirmed) >= 200, "200 entries are confirmed");

        await Broker.KillAsync();
        await WaitUntilAsync(() => appender.CountOf(Outcome.Unavailable) >= 1, "an append is refused");
        int before = appender.CountOf(Outcome.Confirmed);
        await Broker.StartAsync();
        await WaitUntilAsync(() => appender.CountOf(Outcome.Confirmed) >= before + 200, "appends work again");
        await appender.DisposeAsync();
        List<string> read = await ReadToMarkAsync(log);

        Assert.Equal(read.Distinct(), read);
        List<string> confirmed = appender.EntriesOf(Outcome.Confirmed);
        Assert.Equal(confirmed, read.Intersect(confirmed));
        Assert.Empty(appender.EntriesOf(Outcome.Unavailable).Intersect(read));
    }

    [Fact]
    public async Task A_reader_resumed_by_offset_survives_a_broker_restart_without_loss_or_repeat()
    {
        await using AmqpStreamLog log = await OpenLogAsync();
        long nextOffset = 0;
        var read = new ConcurrentQueue<string>();
        var settings = RestartSettings.Create(
            TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(500), randomFactor: 0.2);
        _ = RestartSource.OnFailuresWithBackoff(() => log.Read(Volatile.Read(ref nextOffset)), settings)
            .SelectMany(batch => batch)
            .RunForeach(record =>
            {
                Volatile.Write(ref nextOffset, record.Offset + 1);
                read.Enqueue(Text(record));
            }, Materializer);
        await using var appender = new Appender(log);
        await WaitUntilAsync(() => read.Count >= 100, "100 entries are read");

        await Broker.KillAsync();
        await Broker.StartAsync();
        int before = appender.CountOf(Outcome.Confirmed);
        await WaitUntilAsync(() => appender.CountOf(Outcome.Confirmed) >= before + 100, "appends work again");
        await appender.DisposeAsync();
        List<string> all = await ReadToMarkAsync(log);
        await WaitUntilAsync(() => read.Any(IsMark), "the reader has caught up");

        Assert.Equal(all, read.Where(text => !IsMark(text)));
    }

    [Fact]
    public async Task While_the_broker_is_away_appends_are_refused_and_attempts_to_connect_are_paced()
    {
        await using AmqpStreamLog log = await OpenLogAsync();
        await Broker.StopAsync();
        await WaitUntilAsync(() => !log.IsConnected, "the loss is noticed");

        var refusals = new List<Exception?>();
        var trying = Stopwatch.StartNew();
        await WaitUntilAsync(async () =>
        {
            refusals.Add(await Record.ExceptionAsync(() =>
                log.AppendAsync(Bytes("refused"), CancellationToken.None)));
            return Events.OfType<AmqpEvent.ConnectFailed>().Count() == 4;
        }, "four attempts have failed");
        double triedMs = trying.Elapsed.TotalMilliseconds;
        await Broker.StartAsync();
        await WaitUntilAsync(async () => await Record.ExceptionAsync(() =>
            log.AppendAsync(Bytes("kept"), CancellationToken.None)) is null, "an append works");

        Assert.All(refusals, refusal => Assert.IsType<LogUnavailableException>(refusal));
        int pausesMs = Events.OfType<AmqpEvent.ConnectFailed>().Take(3).Sum(failed => failed.RetryDelayMs);
        Assert.InRange(triedMs, pausesMs, double.MaxValue);
        Assert.Equal(["kept"], (await ReadAsync(log, fromOffset: 0, 1)).Select(Text));
    }

    [Fact]
    public async Task An_append_that_a_silent_broker_does_not_confirm_in_time_has_an_unknown_outcome()
    {
        await using AmqpStreamLog log = await OpenLogAsync(
            Options with { ConfirmTimeoutMs = 300, ConnectTimeoutMs = 300, WindowMax = 1 },
            LogDeclaration.CreateIfMissing);

        await Broker.PauseAsync();
        Task handedOver = log.AppendAsync(Bytes("unknown"), CancellationToken.None);
        Task waiting = log.AppendAsync(Bytes("never sent"), CancellationToken.None);
        await Assert.ThrowsAsync<LogOutcomeUnknownException>(() => InTimeAsync(handedOver));
        await Assert.ThrowsAsync<LogUnavailableException>(() => InTimeAsync(waiting));
        Exception? reconnecting = null;
        await WaitUntilAsync(async () => (reconnecting = await Record.ExceptionAsync(() =>
            log.AppendAsync(Bytes("refused"), CancellationToken.None)))?.InnerException is not null,
            "an attempt to connect has failed");
        await Broker.ResumeAsync();
        await WaitUntilAsync(async () => await Record.ExceptionAsync(() =>
            log.AppendAsync(Bytes("kept"), CancellationToken.None)) is null, "an append works");

        Assert.IsType<LogUnavailableException>(reconnecting);
        Assert.Equal(["unknown", "kept"], (await ReadToMarkAsync(log)).Distinct());
    }

    [Fact]
    public async Task While_the_broker_has_an_alarm_appends_are_refused_before_they_are_published()
    {
        await using AmqpStreamLog log = await OpenLogAsync(
            Options with { ConfirmTimeoutMs = 2_000 }, LogDeclaration.CreateIfMissing);
        await using var appender = new Appender(log);
        await WaitUntilAsync(() => appender.CountOf(Outcome.Confirmed) >= 10, "entries are confirmed");

        await Broker.ControlAsync("set_vm_memory_high_watermark", "0.0001");
        await WaitUntilAsync(() => appender.CountOf(Outcome.Unavailable) >= 100, "appends are refused");
        string? blockedBecause = log.BlockedBecause;
        await Broker.ControlAsync("set_vm_memory_high_watermark", "absolute", "1GB");
        int before = appender.CountOf(Outcome.Confirmed);
        await WaitUntilAsync(() => appender.CountOf(Outcome.Confirmed) >= before + 10, "appends work again");
        await appender.DisposeAsync();
        List<string> read = await ReadToMarkAsync(log);

        Assert.Contains("memory", blockedBecause);
        Assert.Empty(appender.EntriesOf(Outcome.Confirmed).Except(read));
        Assert.Empty(appender.EntriesOf(Outcome.Unavailable).Intersect(read));
        Assert.InRange(appender.CountOf(Outcome.Unknown), 0, Options.WindowMax);
        Assert.Single(Events, happened => happened is AmqpEvent.Connected { Connection: var name }
            && name.Contains("append", StringComparison.Ordinal));
        Assert.Single(Events, happened => happened is AmqpEvent.Blocked);
        Assert.Single(Events, happened => happened is AmqpEvent.Unblocked);
    }

    /// <summary>All that is in the log up to now.</summary>
    private async Task<List<string>> ReadToMarkAsync(AmqpStreamLog log)
    {
        await log.AppendAsync(Bytes("mark"), CancellationToken.None);
        return [.. await InTimeAsync(log.Read(0).SelectMany(batch => batch).Select(Text)
            .TakeWhile(text => !IsMark(text)).RunWith(Sink.Seq<string>(), Materializer))];
    }

    private static bool IsMark(string text) => text == "mark";

    /// <summary>
    /// Appends numbered entries, two at a time, until it is disposed, and notes what became of each.
    /// </summary>
    private sealed class Appender : IAsyncDisposable
    {
        private readonly ConcurrentQueue<(string Entry, Outcome Outcome)> _ended = new();
        private readonly AmqpStreamLog _log;
        private readonly Task _running;
        private volatile bool _isStopping;

        public Appender(AmqpStreamLog log)
        {
            _log = log;
            _running = Task.Run(AppendAllAsync);
        }

        public int CountOf(Outcome outcome) => _ended.Count(end => end.Outcome == outcome);

        public List<string> EntriesOf(Outcome outcome) =>
            [.. _ended.Where(end => end.Outcome == outcome).Select(end => end.Entry)];

        public async ValueTask DisposeAsync()
        {
            _isStopping = true;
            await _running;
        }

        private async Task AppendAllAsync()
        {
            for (int i = 0; !_isStopping; i += 2)
            {
                Task<Outcome> first = AppendAsync($"{i}");
                Task<Outcome> second = AppendAsync($"{i + 1}");
                _ended.Enqueue(($"{i}", await first));
                _ended.Enqueue(($"{i + 1}", await second));
                // Refusals come at once: leave the machine to the broker.
                if (await first == Outcome.Unavailable) { await Task.Delay(10); }
            }
        }

        private async Task<Outcome> AppendAsync(string entry)
        {
            try
            {
                await _log.AppendAsync(Bytes(entry), CancellationToken.None);
                return Outcome.Confirmed;
            }
            catch (LogUnavailableException)
            {
                return Outcome.Unavailable;
            }
            catch (LogOutcomeUnknownException)
            {
                return Outcome.Unknown;
            }
        }
    }
}
