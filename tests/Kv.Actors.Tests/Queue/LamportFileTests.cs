using Kv.Actors.Queue;
using Xunit.Abstractions;

namespace Kv.Actors.Tests.Queue;

public sealed class LamportFileTests(ITestOutputHelper output) : QueueClusterTestKit(output)
{
    private readonly string _directory = Directory.CreateTempSubdirectory("kv-lamport-").FullName;

    [Fact]
    public async Task What_was_reserved_is_what_the_next_start_loads()
    {
        long before = new LamportFile(_directory).Load();
        await new LamportFile(_directory).ReserveAsync(1_000);
        await new LamportFile(_directory).ReserveAsync(2_000);

        Assert.Equal((0, 2_000), (before, new LamportFile(_directory).Load()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("kv-lamport 1 2000 0000000000000000\n")]
    [InlineData("kv-lamport 2 2000 0000000000000000\n")]
    public void A_damaged_file_is_refused_and_not_taken_for_none(string text)
    {
        File.WriteAllText(Path.Combine(_directory, LamportFile.FileName), text);

        Assert.Throws<InvalidDataException>(() => new LamportFile(_directory).Load());
    }

    [Fact]
    public async Task A_node_that_restarts_empty_with_a_wrong_clock_uses_no_time_again()
    {
        QueueNodeOptions Settings(QueueNodeOptions same) => same with
        {
            DataDirectory = _directory,
            Clock = new StoppedClock(),
        };
        QueueNode first = await StartReadyAsync("a", Settings);
        await SetAsync(first, "k", "1");
        await first.StopAsync(CancellationToken.None);

        QueueNode second = await StartReadyAsync("a", same => Settings(same) with { Incarnation = 2 });
        await SetAsync(second, "k", "2");

        long[] times = [.. Commands.PublishedSoFar().Select(message => (long)message.Headers["kv-lamport"]!)];
        Assert.Equal(2, times.Length);
        Assert.True(times[1] > times[0] + 1_000_000, $"{times[0]} and then {times[1]}");
    }

    [Fact]
    public async Task A_node_whose_clock_is_far_behind_catches_up_by_merging_before_it_writes()
    {
        QueueNode ahead = await StartReadyAsync("ahead");
        await SetAsync(ahead, "k", "1");
        QueueNode behind = await StartReadyAsync("behind", same => same with
        {
            DataDirectory = _directory,
            Clock = new StoppedClock(),
        });

        await SetAsync(behind, "k", "2");

        await UntilAsync(async () => await LocalAsync(ahead, "k") == "2");
        Assert.True(new LamportFile(_directory).Load() > 1_000_000_000_000);
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>A machine whose clock starts in 1970 each time.</summary>
    private sealed class StoppedClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddSeconds(1);
    }
}
