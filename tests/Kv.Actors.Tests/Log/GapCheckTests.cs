using Kv.Actors.Log;

namespace Kv.Actors.Tests.Log;

public sealed class GapCheckTests
{
    [Theory]
    [InlineData("5 6 7 | 8 9", 9, "no gap, nobody asks")]
    [InlineData("5 6 9 | 11", 6, "what stood before the gap is still there")]
    [InlineData("5 6 | 9", 0, "nothing was truncated")]
    public async Task A_gap_that_offsets_have_anyway_passes(string runs, long firstRetained, string because)
    {
        var check = new GapCheck(() => Task.FromResult(firstRetained));

        List<long> passed = [];
        foreach (IReadOnlyList<LogRecord> run in Parse(runs))
        {
            passed.AddRange((await check.PassAsync(run)).Select(static record => record.Offset));
        }

        IEnumerable<long> all = Parse(runs).SelectMany(static run => run).Select(static one => one.Offset);
        Assert.True(passed.SequenceEqual(all), because);
    }

    [Theory]
    [InlineData("5 6 9", 7)]
    [InlineData("5 6 | 9", 9)]
    [InlineData("5 7 9", 6)]
    public async Task A_gap_behind_a_record_that_is_gone_fails_the_reader(string runs, long firstRetained)
    {
        var check = new GapCheck(() => Task.FromResult(firstRetained));

        var truncated = await Assert.ThrowsAsync<LogTruncatedException>(async () =>
        {
            foreach (IReadOnlyList<LogRecord> run in Parse(runs))
            {
                await check.PassAsync(run);
            }
        });

        Assert.Contains($"begins at offset {firstRetained} now", truncated.Message, StringComparison.Ordinal);
    }

    private static IEnumerable<IReadOnlyList<LogRecord>> Parse(string runs) => runs.Split('|').Select(
        static run => (IReadOnlyList<LogRecord>)
        [
            .. run.Split(' ', StringSplitOptions.RemoveEmptyEntries)
                .Select(static offset => new LogRecord(long.Parse(offset), ReadOnlyMemory<byte>.Empty)),
        ]);
}
