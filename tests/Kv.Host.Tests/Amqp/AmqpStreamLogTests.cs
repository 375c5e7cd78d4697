using Akka.Streams;
using Akka.Streams.Dsl;
using Kv.Actors.Log;
using Kv.Actors.Log.Amqp;
using RabbitMQ.Client;
using Xunit.Abstractions;

namespace Kv.Host.Tests.Amqp;

[Collection(SharedBroker.Name)]
public sealed class AmqpStreamLogTests(RabbitMqBroker broker, ITestOutputHelper output)
    : AmqpTest(broker, output)
{
    [Fact]
    public async Task Entries_are_read_back_in_the_order_they_were_appended()
    {
        await using AmqpStreamLog log = await OpenLogAsync();
        List<string> entries = [.. Enumerable.Range(0, 500).Select(i => $"entry {i}")];

        await Task.WhenAll(entries.Select(entry => log.AppendAsync(Bytes(entry), CancellationToken.None)));
        List<LogRecord> records = await ReadAsync(log, fromOffset: 0, entries.Count);

        Assert.Equal(entries, records.Select(Text));
        List<long> offsets = [.. records.Select(record => record.Offset)];
        Assert.Equal(offsets.Distinct().Order(), offsets);
    }

    [Fact]
    public async Task Three_concurrent_appenders_are_seen_in_one_order_by_two_readers()
    {
        await using AmqpStreamLog first = await OpenLogAsync();
        await using AmqpStreamLog second = await OpenLogAsync();
        await using AmqpStreamLog third = await OpenLogAsync(LogDeclaration.MustExist);

        await Task.WhenAll(new[] { first, second, third }.SelectMany((log, appender) =>
            Enumerable.Range(0, 300).Select(i =>
                log.AppendAsync(Bytes($"{appender}:{i}"), CancellationToken.None))));
        Task<List<LogRecord>> oneReader = ReadAsync(first, fromOffset: 0, 900);
        List<LogRecord> another = await ReadAsync(second, fromOffset: 0, 900);

        Assert.Equal((await oneReader).Select(record => (record.Offset, Text(record))),
            another.Select(record => (record.Offset, Text(record))));
        Assert.All(Enumerable.Range(0, 3), appender => Assert.Equal(
            Enumerable.Range(0, 300).Select(i => $"{appender}:{i}"),
            another.Select(Text).Where(text => text.StartsWith($"{appender}:", StringComparison.Ordinal))));
    }

    [Fact]
    public async Task A_read_begins_with_the_entry_at_the_offset_it_names()
    {
        await using AmqpStreamLog log = await OpenLogAsync(
            Options with { WindowMax = 64 }, LogDeclaration.CreateIfMissing);
        await Task.WhenAll(Enumerable.Range(0, 200).Select(i =>
            log.AppendAsync(Bytes($"{i}"), CancellationToken.None)));
        List<LogRecord> all = await ReadAsync(log, fromOffset: 0, 200);

        // Neighbours, so that most of these are in the middle of what the broker stored as one chunk.
        foreach (int place in (int[])[1, 2, 3, 50, 51, 52, 53, 199])
        {
            List<LogRecord> tail = await ReadAsync(log, all[place].Offset, 200 - place);
            Assert.Equal(all.Skip(place).Select(Text), tail.Select(Text));
        }
    }

    [Fact]
    public async Task A_reader_attached_at_the_tail_sees_what_is_confirmed_afterwards_and_nothing_before()
    {
        await using AmqpStreamLog log = await OpenLogAsync();
        await log.AppendAsync(Bytes("before"), CancellationToken.None);

        (AmqpConsumer consumer, Task<IReadOnlyList<LogRecord>> read) = log.ReadFrom(StreamPosition.Next)
            .ToMaterialized(Sink.First<IReadOnlyList<LogRecord>>(), Keep.Both).Run(Materializer);
        await InTimeAsync(consumer.Attached);
        await log.AppendAsync(Bytes("after"), CancellationToken.None);

        Assert.Equal("after", Text((await InTimeAsync(read))[0]));
    }

    [Fact]
    public async Task A_slow_reader_holds_a_bounded_part_of_the_log_and_gets_all_of_it_in_the_end()
    {
        const int Count = 20_000;
        // A chunk is what the broker had in hand when it wrote: with 3 appenders of 64, a few hundred at
        // most.
        const int ChunkRecordsMax = 1_024;
        await using AmqpStreamLog log = await OpenLogAsync(
            Options with { WindowMax = 64, WaitingMax = 65_536 }, LogDeclaration.CreateIfMissing);
        var oneAtATime = Sink.Queue<IReadOnlyList<LogRecord>>()
            .WithAttributes(Attributes.CreateInputBuffer(1, 1));
        (AmqpConsumer consumer, ISinkQueue<IReadOnlyList<LogRecord>> queue) =
            log.ReadFrom(StreamPosition.First).ToMaterialized(oneAtATime, Keep.Both).Run(Materializer);

        Task appending = Task.WhenAll(Enumerable.Range(0, Count).Select(i =>
            log.AppendAsync(Bytes($"{i}"), CancellationToken.None)));
        var read = new List<LogRecord>((await InTimeAsync(queue.PullAsync())).Value);
        await InTimeAsync(appending);
        int heldPeak = consumer.BufferedPeak;
        while (read.Count < Count) { read.AddRange((await InTimeAsync(queue.PullAsync())).Value); }

        Assert.InRange(heldPeak, 1, Options.Prefetch + ChunkRecordsMax);
        Assert.InRange(consumer.BufferedPeak, 1, Options.Prefetch + ChunkRecordsMax);
        Assert.Equal(Enumerable.Range(0, Count).Select(i => $"{i}"), read.Select(Text));
    }

    [Fact]
    public async Task Messages_of_strangers_are_delivered_and_not_swallowed()
    {
        await using AmqpStreamLog log = await OpenLogAsync();
        byte[] foreign = [0xff, 0x00, 0xfe];
        var lying = new BasicProperties
        {
            Headers = new Dictionary<string, object?> { [AmqpTopology.OffsetHeader] = 4711L },
        };

        await AtBrokerAsync(async channel =>
        {
            await channel.BasicPublishAsync(Options.ExchangeName, "some.key", mandatory: true, foreign);
            await channel.BasicPublishAsync(Options.ExchangeName, "", mandatory: true, Array.Empty<byte>());
            await channel.BasicPublishAsync(Options.ExchangeName, "", mandatory: true, lying, Bytes("liar"));
        });
        await log.AppendAsync(Bytes("ours"), CancellationToken.None);
        List<LogRecord> records = await ReadAsync(log, fromOffset: 0, 4);

        Assert.Equal([foreign, [], Bytes("liar"), Bytes("ours")], records.Select(r => r.Entry.ToArray()));
        Assert.Equal([0L, 1, 2, 3], records.Select(record => record.Offset));
    }

    [Fact]
    public async Task A_message_as_large_as_the_broker_takes_does_not_stop_the_readers()
    {
        await using AmqpStreamLog log = await OpenLogAsync();
        // Over the 64 MiB at which the client breaks the connection by default.
        byte[] large = new byte[65 << 20];

        await AtBrokerAsync(async channel =>
            await channel.BasicPublishAsync(Options.ExchangeName, "", mandatory: true, large));
        await log.AppendAsync(Bytes("ours"), CancellationToken.None);
        List<LogRecord> records = await ReadAsync(log, fromOffset: 0, 2);

        Assert.Equal([large.Length, 4], records.Select(record => record.Entry.Length));
    }

    [Fact]
    public async Task An_append_while_the_stream_is_unbound_is_refused_and_works_once_it_is_bound_again()
    {
        await using AmqpStreamLog log = await OpenLogAsync();
        await AtBrokerAsync(channel =>
            channel.QueueUnbindAsync(Options.StreamName, Options.ExchangeName, routingKey: ""));

        LogUnavailableException refusal = await Assert.ThrowsAsync<LogUnavailableException>(() =>
            log.AppendAsync(Bytes("lost"), CancellationToken.None));
        await AtBrokerAsync(channel =>
            channel.QueueBindAsync(Options.StreamName, Options.ExchangeName, routingKey: ""));
        await log.AppendAsync(Bytes("kept"), CancellationToken.None);

        Assert.Contains(Options.ExchangeName, refusal.Message);
        Assert.Contains(Events, happened => happened is AmqpEvent.Unroutable);
        Assert.Equal("kept", Text((await ReadAsync(log, fromOffset: 0, 1))[0]));
    }

    [Fact]
    public async Task A_deleted_stream_ends_readers_refuses_appends_and_is_not_created_again()
    {
        await using AmqpStreamLog log = await OpenLogAsync();
        await log.AppendAsync(Bytes("entry"), CancellationToken.None);
        (AmqpConsumer consumer, Task<Akka.Done> reading) = log.ReadFrom(StreamPosition.First)
            .ToMaterialized(Sink.Ignore<IReadOnlyList<LogRecord>>(), Keep.Both).Run(Materializer);
        await InTimeAsync(consumer.Attached);

        await AtBrokerAsync(channel => channel.QueueDeleteAsync(Options.StreamName));

        await Assert.ThrowsAsync<AmqpConsumerCancelledException>(() => InTimeAsync(reading));
        await Assert.ThrowsAsync<LogUnavailableException>(() =>
            log.AppendAsync(Bytes("lost"), CancellationToken.None));
        Assert.IsType<LogMissingException>(await FailureOf(log.Read(0)));
        await Assert.ThrowsAsync<LogMissingException>(() => OpenLogAsync(LogDeclaration.MustExist));
    }

    [Fact]
    public async Task After_a_new_connection_a_missing_log_is_said_to_be_missing()
    {
        await using AmqpStreamLog log = await OpenLogAsync();
        await AtBrokerAsync(async channel =>
        {
            await channel.QueueDeleteAsync(Options.StreamName);
            await channel.ExchangeDeleteAsync(Options.ExchangeName);
        });

        // Publishing to an exchange that is not there ends the channel.
        await Assert.ThrowsAsync<LogOutcomeUnknownException>(() =>
            log.AppendAsync(Bytes("1"), CancellationToken.None));
        Exception? failure = null;
        await WaitUntilAsync(async () =>
        {
            failure = await Record.ExceptionAsync(() => log.AppendAsync(Bytes("2"), CancellationToken.None));
            return failure is LogMissingException;
        }, "an append finds the log missing");

        Assert.Contains(Options.ExchangeName, failure!.Message);
    }

    [Fact]
    public async Task A_log_that_must_exist_and_does_not_is_missing_and_stays_so()
    {
        await Assert.ThrowsAsync<LogMissingException>(() => OpenLogAsync(LogDeclaration.MustExist));

        await Assert.ThrowsAsync<LogMissingException>(() => OpenLogAsync(LogDeclaration.MustExist));
    }

    [Theory]
    [InlineData(1L << 30, 64L << 20, nameof(AmqpOptions.LogBytesMax))]
    [InlineData(8L << 30, 1L << 20, nameof(AmqpOptions.SegmentBytesMax))]
    public async Task A_log_that_exists_with_another_size_is_refused_by_the_name_of_the_setting(
        long logBytesMax, long segmentBytesMax, string setting)
    {
        await using AmqpStreamLog log = await OpenLogAsync();
        AmqpOptions other = Options with { LogBytesMax = logBytesMax, SegmentBytesMax = segmentBytesMax };

        var mismatch = await Assert.ThrowsAsync<AmqpSettingMismatchException>(() =>
            OpenLogAsync(other, LogDeclaration.CreateIfMissing));

        Assert.Contains(setting, mismatch.Message);
    }

    [Theory]
    [InlineData(LogDeclaration.CreateIfMissing)]
    [InlineData(LogDeclaration.MustExist)]
    public async Task A_log_with_an_age_limit_is_refused_by_name(LogDeclaration declaration)
    {
        Dictionary<string, object?> arguments = AmqpTopology.StreamArguments(Options);
        arguments["x-max-age"] = "7D";
        await AtBrokerAsync(async channel =>
        {
            await channel.ExchangeDeclareAsync(Options.ExchangeName, ExchangeType.Fanout, durable: true);
            await channel.QueueDeclareAsync(Options.StreamName, true, false, false, arguments);
        });

        var mismatch = await Assert.ThrowsAsync<AmqpSettingMismatchException>(
            () => OpenLogAsync(declaration));

        Assert.Contains("age limit (x-max-age)", mismatch.Message);
    }

    [Fact]
    public async Task A_log_that_must_exist_has_to_have_the_same_size_here()
    {
        await using AmqpStreamLog log = await OpenLogAsync();
        AmqpOptions other = Options with { LogBytesMax = Options.LogBytesMax * 2 };

        var mismatch = await Assert.ThrowsAsync<AmqpSettingMismatchException>(
            () => OpenLogAsync(other, LogDeclaration.MustExist));

        Assert.Contains("another LogBytesMax", mismatch.Message);
    }

    [Fact]
    public async Task An_exchange_that_is_no_fanout_is_refused_by_the_name_of_the_setting()
    {
        await AtBrokerAsync(channel =>
            channel.ExchangeDeclareAsync(Options.ExchangeName, ExchangeType.Direct, durable: true));

        var mismatch = await Assert.ThrowsAsync<AmqpSettingMismatchException>(() => OpenLogAsync());

        Assert.Contains(nameof(AmqpOptions.ExchangeName), mismatch.Message);
    }

    [Fact]
    public async Task A_queue_in_the_place_of_the_stream_fails_the_reader()
    {
        await using AmqpStreamLog log = await OpenLogAsync();
        await AtBrokerAsync(async channel =>
        {
            await channel.QueueDeleteAsync(Options.StreamName);
            await channel.QueueDeclareAsync(
                Options.StreamName, durable: true, exclusive: false, autoDelete: true);
            await channel.QueueBindAsync(Options.StreamName, Options.ExchangeName, routingKey: "");
        });
        await log.AppendAsync(Bytes("entry"), CancellationToken.None);

        Exception failure = await FailureOf(log.Read(0));

        Assert.Contains("stream", failure.Message);
    }

    [Fact]
    public async Task An_append_cancelled_before_it_was_handed_over_never_reaches_the_log()
    {
        await using AmqpStreamLog log = await OpenLogAsync(
            Options with { WindowMax = 1 }, LogDeclaration.CreateIfMissing);
        using var stopping = new CancellationTokenSource();

        Task first = log.AppendAsync(Bytes("first"), CancellationToken.None);
        Task cancelled = log.AppendAsync(Bytes("cancelled"), new CancellationToken(canceled: true));
        Task last = log.AppendAsync(Bytes("last"), CancellationToken.None);

        await Assert.ThrowsAsync<LogUnavailableException>(() => cancelled);
        await InTimeAsync(Task.WhenAll(first, last));
        Assert.Equal(["first", "last"], (await ReadAsync(log, fromOffset: 0, 2)).Select(Text));
    }

    [Fact]
    public async Task Appends_beyond_what_may_wait_are_refused_and_the_others_are_kept()
    {
        await using AmqpStreamLog log = await OpenLogAsync(
            Options with { WindowMax = 1, WaitingMax = 2 }, LogDeclaration.CreateIfMissing);

        List<Task> appends = [.. Enumerable.Range(0, 200).Select(i =>
            log.AppendAsync(Bytes($"{i}"), CancellationToken.None))];
        await InTimeAsync(Task.WhenAll(appends).ContinueWith(_ => { }, TaskScheduler.Default));

        List<string> confirmed = [.. Enumerable.Range(0, 200)
            .Where(i => appends[i].IsCompletedSuccessfully).Select(i => $"{i}")];
        Assert.InRange(confirmed.Count, 3, 199);
        Assert.Equal(confirmed, (await ReadAsync(log, fromOffset: 0, confirmed.Count)).Select(Text));
    }

    [Fact]
    public async Task A_reader_that_is_stopped_closes_its_connection()
    {
        await using AmqpStreamLog log = await OpenLogAsync();
        (AmqpConsumer consumer, UniqueKillSwitch stop) = log.ReadFrom(StreamPosition.First)
            .ViaMaterialized(KillSwitches.Single<IReadOnlyList<LogRecord>>(), Keep.Both)
            .To(Sink.Ignore<IReadOnlyList<LogRecord>>()).Run(Materializer);
        await InTimeAsync(consumer.Attached);

        stop.Shutdown();
        await InTimeAsync(consumer.Closed);

        Assert.Single(Events, happened => happened is AmqpEvent.Closed);
        Assert.DoesNotContain(Events, happened => happened is AmqpEvent.Lost);
    }
}
