using Akka.Streams;
using Akka.Streams.Dsl;
using Akka.TestKit.Xunit2;
using Kv.Actors.Log;
using Kv.Actors.Log.Embedded;

namespace Kv.Actors.Tests.Embedded;

public sealed class SqliteLogTests : TestKit, IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("kv-sqlite-log-").FullName;

    [Fact]
    public async Task Appends_are_read_in_the_order_of_the_calls()
    {
        await using SqliteLog log = SqliteLog.Open(_directory);

        await Task.WhenAll(Enumerable.Range(0, 500).Select(i => AppendAsync(log, i)));
        List<LogRecord> records = await TakeAsync(log, fromOffset: 0, count: 500);

        Assert.Equal(Enumerable.Range(0, 500), records.Select(static record => (int)record.Offset));
        Assert.Equal(
            Enumerable.Range(0, 500), records.Select(static r => BitConverter.ToInt32(r.Entry.Span)));
    }

    [Fact]
    public async Task Reading_from_an_offset_includes_it()
    {
        await using SqliteLog log = SqliteLog.Open(_directory);
        for (int i = 0; i < 10; i++)
        {
            await AppendAsync(log, i);
        }

        List<LogRecord> records = await TakeAsync(log, fromOffset: 7, count: 3);

        Assert.Equal([7, 8, 9], records.Select(static record => record.Offset));
    }

    [Fact]
    public async Task A_reader_at_the_tail_gets_what_is_appended_later()
    {
        await using SqliteLog log = SqliteLog.Open(_directory);
        Task<List<LogRecord>> reading = TakeAsync(log, fromOffset: 0, count: 2);

        await AppendAsync(log, 1);
        await AppendAsync(log, 2);

        Assert.Equal(2, (await reading).Count);
    }

    [Fact]
    public async Task What_was_appended_is_there_after_closing_and_opening()
    {
        await using (SqliteLog log = SqliteLog.Open(_directory))
        {
            await AppendAsync(log, 1);
        }

        await using SqliteLog again = SqliteLog.Open(_directory);
        await AppendAsync(again, 2);

        Assert.Equal([0, 1], (await TakeAsync(again, 0, 2)).Select(static record => record.Offset));
    }

    [Fact]
    public async Task A_directory_has_one_owner()
    {
        await using SqliteLog log = SqliteLog.Open(_directory);

        var refused = Assert.Throws<LogUnavailableException>(() => SqliteLog.Open(_directory));

        Assert.Contains("another process", refused.Message);
    }

    [Fact]
    public void A_file_that_is_no_database_is_refused_by_name()
    {
        File.WriteAllText(Path.Combine(_directory, "log.sqlite"), new string('x', 5000));

        var refused = Assert.Throws<LogUnavailableException>(() => SqliteLog.Open(_directory));

        Assert.Contains("log.sqlite", refused.Message);
    }

    [Fact]
    public async Task A_closed_log_takes_nothing()
    {
        SqliteLog log = SqliteLog.Open(_directory);
        await log.DisposeAsync();

        await Assert.ThrowsAsync<LogUnavailableException>(() => AppendAsync(log, 1));
    }

    [Fact]
    public async Task Closing_ends_the_readers()
    {
        SqliteLog log = SqliteLog.Open(_directory);
        Task reading = log.Read(0).RunWith(Sink.Ignore<IReadOnlyList<LogRecord>>(), Sys.Materializer());

        await log.DisposeAsync();

        await reading.WaitAsync(TimeSpan.FromSeconds(10));
    }

    void IDisposable.Dispose()
    {
        Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private static Task AppendAsync(SqliteLog log, int number) =>
        log.AppendAsync(BitConverter.GetBytes(number), CancellationToken.None);

    private async Task<List<LogRecord>> TakeAsync(SqliteLog log, long fromOffset, int count)
    {
        Task<List<LogRecord>> taking = log.Read(fromOffset)
            .SelectMany(static run => run)
            .Take(count)
            .RunAggregate(
                new List<LogRecord>(), static (all, record) => [.. all, record], Sys.Materializer());
        return await taking.WaitAsync(TimeSpan.FromSeconds(20));
    }
}
