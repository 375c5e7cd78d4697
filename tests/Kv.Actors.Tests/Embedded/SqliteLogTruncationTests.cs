using Akka.Streams;
using Akka.Streams.Dsl;
using Akka.TestKit.Xunit2;
using Kv.Actors.Log;
using Kv.Actors.Log.Embedded;
using Kv.Testing.Processes;

namespace Kv.Actors.Tests.Embedded;

public sealed class SqliteLogTruncationTests : TestKit, IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("kv-sqlite-truncation-").FullName;

    [Fact]
    public async Task Entries_below_the_offset_go_and_the_others_stay()
    {
        await using SqliteLog log = await WithEntriesAsync(1_000);

        await log.TruncateBeforeAsync(900);

        Assert.Equal(900, await FirstOffsetAsync(log));
    }

    [Fact]
    public async Task The_last_entry_stays_so_that_offsets_go_on_after_a_restart()
    {
        await using (SqliteLog log = await WithEntriesAsync(10))
        {
            await log.TruncateBeforeAsync(long.MaxValue);
            Assert.Equal(9, await FirstOffsetAsync(log));
        }

        await using SqliteLog again = SqliteLog.Open(_directory);

        Assert.Equal(10, again.NextOffset);
    }

    [Fact]
    public async Task What_a_running_reader_may_come_back_for_stays()
    {
        await using SqliteLog log = await WithEntriesAsync(400);
        ISinkQueue<IReadOnlyList<LogRecord>> reader = log.Read(0)
            .RunWith(Sink.Queue<IReadOnlyList<LogRecord>>(), Sys.Materializer());
        IReadOnlyList<LogRecord> first = (await reader.PullAsync()).Value;

        await log.TruncateBeforeAsync(400);

        Assert.Equal(0, first[0].Offset);
        List<long> rest = [.. first.Select(static record => record.Offset)];
        while (rest.Count < 400)
        {
            rest.AddRange((await reader.PullAsync()).Value.Select(static record => record.Offset));
        }
        Assert.Equal(Enumerable.Range(0, 400).Select(static i => (long)i), rest);
    }

    [Fact]
    public async Task A_reader_that_has_ended_needs_nothing()
    {
        await using SqliteLog log = await WithEntriesAsync(400);
        await FirstOffsetAsync(log);

        // A reader ends a moment after it gave what was asked for.
        await Eventually.HoldsAsync("the readers have ended", async () =>
        {
            await log.TruncateBeforeAsync(300);
            return await FirstOffsetAsync(log) == 300;
        });

        Assert.Equal(300, await FirstOffsetAsync(log));
    }

    [Fact]
    public async Task Appends_go_on_while_entries_are_deleted()
    {
        await using SqliteLog log = await WithEntriesAsync(2_000);

        Task truncation = log.TruncateBeforeAsync(1_990);
        for (int i = 0; i < 20; i++)
        {
            await AppendAsync(log, i);
        }
        await truncation;

        Assert.Equal((2_020, 1_990), (log.NextOffset, await FirstOffsetAsync(log)));
    }

    [Fact]
    public async Task An_offset_below_the_first_changes_nothing()
    {
        await using SqliteLog log = await WithEntriesAsync(10);

        await log.TruncateBeforeAsync(-1);
        await log.TruncateBeforeAsync(0);

        Assert.Equal(0, await FirstOffsetAsync(log));
    }

    [Fact]
    public async Task A_closed_log_is_not_truncated()
    {
        SqliteLog log = await WithEntriesAsync(1);
        await log.DisposeAsync();

        await Assert.ThrowsAsync<LogUnavailableException>(() => log.TruncateBeforeAsync(1));
    }

    void IDisposable.Dispose()
    {
        Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private async Task<SqliteLog> WithEntriesAsync(int count)
    {
        SqliteLog log = SqliteLog.Open(_directory);
        await Task.WhenAll(Enumerable.Range(0, count).Select(i => AppendAsync(log, i)));
        return log;
    }

    private static Task AppendAsync(SqliteLog log, int number) =>
        log.AppendAsync(BitConverter.GetBytes(number), CancellationToken.None);

    // The reader is closed before this returns: it would keep what it has read.
    private async Task<long> FirstOffsetAsync(SqliteLog log)
    {
        (Task closed, Task<IReadOnlyList<LogRecord>> first) = log.Read(0)
            .WatchTermination(Keep.Right)
            .ToMaterialized(Sink.First<IReadOnlyList<LogRecord>>(), Keep.Both)
            .Run(Sys.Materializer());
        long offset = (await first.WaitAsync(TimeSpan.FromSeconds(20)))[0].Offset;
        await closed.WaitAsync(TimeSpan.FromSeconds(20));
        return offset;
    }
}
