using Kv.Actors.Nodes;
using Kv.Actors.Publishing;
using Kv.Core.Entries;
using Entries = Kv.Actors.Tests.Core.Entries;

namespace Kv.Actors.Tests.Publishing;

/// <summary>What is not published any more when too much of the log is in no majority's snapshots.</summary>
public sealed class RetentionGuardTests
{
    private static readonly RetentionLimits Limits = new(1_000_000_000, SegmentBytesMax: 64 << 20);
    private static readonly long WritesMax = Limits.WritesBytesMax(clusterSize: 3);

    private readonly Queue<PendingCommand> _waiting = [];
    private readonly RetentionGuard _guard = new(Limits);

    [Fact]
    public void The_limit_leaves_two_segments_and_what_each_member_has_in_flight() => Assert.Equal(
        1_000_000_000 - (2 * (64 << 20)) - (3 * RetentionLimits.InFlightBytesMax), WritesMax);

    [Fact]
    public void Up_to_the_limit_everything_is_published()
    {
        _guard.Note(WritesMax, 3, _waiting);

        Assert.All(All(), command => Assert.False(_guard.Refuse(new PendingCommand(command, null))));
    }

    [Fact]
    public async Task Beyond_it_mutations_are_refused_and_say_what_to_do()
    {
        _guard.Note(WritesMax + 1, 3, _waiting);
        var pending = new PendingCommand(Entries.Set("a", "1"), null);

        bool refused = _guard.Refuse(pending);

        Assert.True(refused);
        var error = await Assert.ThrowsAsync<KvException>(() => pending.Reply);
        Assert.Equal(KvError.LogFull, error.Code);
        Assert.Contains("kv cluster-size", error.Message);
        Assert.Equal(["Set", "Del"], RefusedNow());
    }

    [Fact]
    public void Half_a_segment_later_reads_do_not_go_through_the_log_either()
    {
        _guard.Note(Limits.ReadsBytesMax(3), 3, _waiting);
        IReadOnlyList<string> before = RefusedNow();

        _guard.Note(Limits.ReadsBytesMax(3) + 1, 3, _waiting);

        Assert.Equal(["Set", "Del"], before);
        Assert.Equal(["Set", "Get", "Del", "Print", "Barrier"], RefusedNow());
    }

    [Fact]
    public void Covered_again_it_opens()
    {
        _guard.Note(WritesMax + 1, 3, _waiting);

        _guard.Note(1_000, 3, _waiting);

        Assert.Empty(RefusedNow());
    }

    [Fact]
    public void What_waits_when_the_limit_is_reached_is_refused_and_the_rest_keeps_its_order()
    {
        PendingCommand[] waiting = [.. All().Select(static command => new PendingCommand(command, null))];
        Array.ForEach(waiting, _waiting.Enqueue);

        bool some = _guard.Note(WritesMax + 1, 3, _waiting);
        bool more = _guard.Note(WritesMax + 2, 3, _waiting);

        Assert.Equal((true, false), (some, more));
        Assert.Equal(
            waiting.Where(static pending => pending.Command is not (Command.Set or Command.Del)), _waiting);
    }

    [Fact]
    public void A_log_without_limits_is_never_full()
    {
        var guard = new RetentionGuard(null);

        guard.Note(long.MaxValue, 3, _waiting);

        Assert.All(All(), command => Assert.False(guard.Refuse(new PendingCommand(command, null))));
    }

    [Fact]
    public void A_log_too_small_for_the_cluster_takes_no_writes_and_says_so()
    {
        string alarm = RetentionGuard.Alarm(Limits, uncoveredBytes: 500, clusterSize: 99)!;

        Assert.Contains("too few for a cluster of 99", alarm);
    }

    [Fact]
    public void The_alarm_comes_before_writes_are_refused()
    {
        string? early = RetentionGuard.Alarm(Limits, WritesMax / 2, 3);
        string? soon = RetentionGuard.Alarm(Limits, WritesMax / 5 * 4, 3);
        string? now = RetentionGuard.Alarm(Limits, WritesMax + 1, 3);

        Assert.Null(early);
        Assert.StartsWith("writes will be refused soon", soon);
        Assert.StartsWith("writes are refused", now);
    }

    private List<string> RefusedNow() =>
    [
        .. All()
            .Where(command => _guard.Refuse(new PendingCommand(command, null)))
            .Select(static command => command.GetType().Name),
    ];

    private static Command[] All() =>
    [
        Entries.Set("a", "1"),
        Entries.Get("a"),
        Entries.Del("a"),
        new Command.Print(),
        new Command.Barrier(),
        new Command.SnapshotTaken("n1", 1, 1),
        new Command.ClusterSize(3),
        new Command.ClusterVersion(1),
    ];
}
