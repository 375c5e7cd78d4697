using Kv.Actors.Leasing;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Tests.Leasing;

/// <summary>Leases in virtual time: when they end, and above all when they do not.</summary>
public sealed class LessorTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(600)]
    public void A_lease_ends_within_a_second_of_its_time_and_not_before(int ttlSeconds)
    {
        var world = new LeaseWorld(3);
        world.RunFor(5_000);
        world.Grant(7, ttlSeconds);

        world.RunFor((ttlSeconds * 1_000) + 2_000);

        AssertEndedInTime(world, 7, ttlSeconds * 1_000);
    }

    [Fact]
    public void Whatever_the_monotonic_clock_began_with_a_lease_has_its_time()
    {
        var world = new LeaseWorld(1, startMs: 1L << 50);
        world.RunFor(5_000);
        world.Grant(7, 10);

        world.RunFor(12_000);

        AssertEndedInTime(world, 7, 10_000);
    }

    [Fact]
    public void A_lease_that_is_kept_alive_at_any_node_lives_and_ends_after_the_last_keep_alive()
    {
        var world = new LeaseWorld(3);
        world.Grant(7, 3);
        int turn = 0;
        world.KeepAliveEvery(1_000, 7, untilMs: 60_000, () => turn++ % 3);

        world.RunUntil(60_000);
        bool wasThere = world.EndedAtMs(7) is null;
        world.RunFor(5_000);

        Assert.True(wasThere);
        AssertEndedInTime(world, 7, 3_000);
    }

    [Fact]
    public void A_second_node_ends_leases_in_time_when_the_first_has_died()
    {
        var world = new LeaseWorld(3);
        world.RunFor(5_000);
        world.Grant(7, 10, node: 1);
        world.RunFor(5_000);

        world.Nodes[0].Pause();
        world.RunFor(10_000);

        AssertEndedInTime(world, 7, 10_000);
    }

    [Fact]
    public void In_normal_running_one_node_proposes_and_the_others_only_look_on()
    {
        var world = new LeaseWorld(3);
        world.Grant(7, 10);

        world.RunFor(20_000);

        Assert.Single(world.Logged<Command.LeaseExpire>());
    }

    [Fact]
    public void A_long_lease_is_no_reason_to_write_into_the_log_all_the_time()
    {
        var world = new LeaseWorld(3);
        world.Grant(7, 250);

        world.RunFor(240_000);

        Assert.Single(world.Log);
    }

    [Fact]
    public async Task Keep_alives_of_one_lease_that_wait_together_become_one_renewal()
    {
        var world = new LeaseWorld(1);
        world.Grant(7, 10);
        Task<Reply> first = world.KeepAlive(7);

        List<Task<Reply>> more = [.. Enumerable.Range(0, 100).Select(_ => world.KeepAlive(7))];
        world.RunFor(1_000);

        Assert.Equal(2, world.Logged<Command.LeaseRenew>().Count());
        Assert.All(
            await Task.WhenAll([first, .. more]),
            static reply => Assert.Equal(10, Assert.IsType<Reply.Leased>(reply).TtlSeconds));
    }

    [Fact]
    public async Task A_keep_alive_of_no_lease_is_told_so_by_the_log()
    {
        var world = new LeaseWorld(1);

        Task<Reply> reply = world.KeepAlive(7);
        world.RunFor(1_000);

        Assert.Equal(StoreError.LeaseNotFound, Assert.IsType<Reply.Refused>(await reply).Error);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void While_the_log_is_away_time_does_not_run_and_waiting_keep_alives_go_first(int client)
    {
        var world = new LeaseWorld(3);
        world.RunFor(5_000);
        world.Grant(7, 5);
        world.RunFor(4_000);

        world.IsLogAway = true;
        world.At(world.NowMs + 500, () => world.KeepAlive(7, client));
        world.RunFor(60_000);
        world.IsLogAway = false;
        world.RunFor(4_000);

        Assert.Null(world.EndedAtMs(7));
        world.RunFor(3_000);
        AssertEndedInTime(world, 7, 5_000);
    }

    [Fact]
    public void An_outage_makes_a_lease_live_longer_by_itself_and_no_more()
    {
        var world = new LeaseWorld(3);
        world.RunFor(5_000);
        world.Grant(7, 10);
        world.RunFor(9_500);

        world.IsLogAway = true;
        world.RunFor(60_000);
        world.IsLogAway = false;
        world.RunFor(10_000);

        long livedMs = world.EndedAtMs(7)!.Value - world.AcknowledgedAtMs(7);
        Assert.InRange(livedMs, 10_000 + 59_000, 10_000 + 60_000 + world.Options.GraceMs + 1_000);
    }

    [Fact]
    public void A_node_that_stood_still_hears_the_keep_alives_that_waited_before_it_ends_a_lease()
    {
        var world = new LeaseWorld(1);
        world.RunFor(5_000);
        world.Grant(7, 5);
        world.RunFor(3_000);

        world.Nodes[0].Pause();
        world.RunFor(30_000);
        world.Nodes[0].Resume();
        // What waited in the socket is read some time after the timers have run.
        world.At(world.NowMs + 1_500, () => world.KeepAlive(7));
        world.RunFor(4_000);

        Assert.Null(world.EndedAtMs(7));
        world.RunFor(5_000);
        AssertEndedInTime(world, 7, 5_000);
    }

    [Fact]
    public void A_node_that_stood_still_gives_leases_the_rest_of_their_time()
    {
        var world = new LeaseWorld(1);
        world.RunFor(5_000);
        world.Grant(7, 10);
        world.RunFor(3_000);

        world.Nodes[0].Pause();
        world.RunFor(30_000);
        world.Nodes[0].Resume();
        world.RunFor(12_000);

        long livedMs = world.EndedAtMs(7)!.Value - world.AcknowledgedAtMs(7);
        Assert.InRange(livedMs, 10_000 + 29_000, 10_000 + 30_000 + 1_000);
    }

    [Fact]
    public void A_first_node_that_stood_still_does_not_end_what_was_renewed_meanwhile()
    {
        var world = new LeaseWorld(3);
        world.RunFor(5_000);
        world.Grant(7, 5, node: 1);
        world.KeepAliveEvery(1_500, 7, untilMs: 60_000, static () => 1);
        world.RunFor(3_000);

        world.Nodes[0].Pause();
        world.RunFor(20_000);
        world.Nodes[0].Resume();
        world.RunUntil(60_000);

        Assert.Null(world.EndedAtMs(7));
    }

    [Fact]
    public void A_node_that_lags_does_not_end_what_was_renewed_in_what_it_has_not_read()
    {
        var world = new LeaseWorld(2);
        world.Nodes[0].LagMs = 2_500;
        world.RunFor(5_000);
        world.Grant(7, 3, node: 1);
        world.KeepAliveEvery(1_000, 7, untilMs: 40_000, static () => 1);

        world.RunUntil(40_000);

        Assert.Null(world.EndedAtMs(7));
    }

    [Fact]
    public void A_restart_gives_a_short_lease_its_whole_time_once_more()
    {
        var world = new LeaseWorld(1);
        world.RunFor(5_000);
        world.Grant(7, 10);
        world.RunFor(9_000);

        world.Nodes[0].Restart();
        world.RunFor(9_500);

        Assert.Null(world.EndedAtMs(7));
        world.RunFor(2_000);
        Assert.NotNull(world.EndedAtMs(7));
    }

    [Fact]
    public void A_restart_goes_on_from_the_last_checkpoint_of_a_long_lease()
    {
        var world = new LeaseWorld(1);
        world.RunFor(5_000);
        world.Grant(7, 1_200);
        world.RunFor(1_000_000);

        world.Nodes[0].Restart();
        long restartedAtMs = world.NowMs;
        world.RunFor(400_000);

        long livedMs = world.EndedAtMs(7)!.Value - world.AcknowledgedAtMs(7);
        // 1000 s were over, of which 900 are in a checkpoint.
        Assert.InRange(livedMs, 1_200_000, 1_200_000 + world.Options.CheckpointIntervalMs);
        Assert.InRange(world.EndedAtMs(7)!.Value - restartedAtMs, 300_000, 302_000);
    }

    [Fact]
    public void A_restart_of_one_of_several_nodes_changes_nothing()
    {
        var world = new LeaseWorld(3);
        world.RunFor(5_000);
        world.Grant(7, 60);
        world.RunFor(50_000);

        world.Nodes[0].Restart();
        world.RunFor(15_000);

        AssertEndedInTime(world, 7, 60_000);
    }

    [Fact]
    public void What_is_left_is_noted_down_by_the_first_node_for_long_leases_only()
    {
        var world = new LeaseWorld(3);
        world.Grant(7, 200);
        world.Grant(8, 1_000);

        world.RunFor(950_000);

        Assert.All(
            world.Logged<Command.LeaseCheckpoint>(),
            static checkpoint => Assert.Equal(8, Assert.Single(checkpoint.Leases).LeaseId));
        Assert.Equal(
            [700, 400, 100],
            world.Logged<Command.LeaseCheckpoint>().Select(
                static checkpoint => (checkpoint.Leases[0].RemainingMs + 500) / 1_000));
    }

    [Fact]
    public void A_node_that_must_not_write_ends_nothing_until_it_may_again()
    {
        var world = new LeaseWorld(1);
        world.RunFor(5_000);
        world.Grant(7, 10);
        world.RunFor(5_000);

        world.Nodes[0].Objection = "Members disagree.";
        world.RunFor(60_000);
        int loggedMeanwhile = world.Log.Count;
        world.Nodes[0].Objection = "";
        world.RunFor(8_000);

        Assert.Equal(1, loggedMeanwhile);
        long livedMs = world.EndedAtMs(7)!.Value - world.AcknowledgedAtMs(7);
        Assert.InRange(livedMs, 70_000, 73_000);
    }

    [Fact]
    public void Many_leases_at_once_end_in_bounded_commands_while_others_are_kept_alive()
    {
        const int Leases = 100_000;
        var world = new LeaseWorld(1);
        world.RunFor(5_000);
        for (int first = 1; first <= Leases; first += 1_000)
        {
            GrantMany(world, first, 1_000);
        }
        world.Grant(Leases + 1, 10);
        world.KeepAliveEvery(100, Leases + 1, untilMs: 60_000, static () => 0);

        world.RunUntil(25_000);

        Assert.Equal(1, world.Nodes[0].Store.Leases.Count);
        Assert.All(
            world.Logged<Command.LeaseExpire>(),
            expire => Assert.InRange(expire.Leases.Count, 1, world.Options.BatchMax));
        Assert.Equal(Leases, world.Logged<Command.LeaseExpire>().Sum(static expire => expire.Leases.Count));
        long lastEndedAtMs = Enumerable.Range(1, Leases).Max(id => world.EndedAtMs(id)!.Value);
        Assert.InRange(lastEndedAtMs, 16_000, 18_000);
    }

    [Fact]
    public void What_is_left_of_a_lease_falls_with_time_to_nothing()
    {
        var world = new LeaseWorld(1);
        world.RunFor(5_000);
        world.Grant(7, 10);
        LessorCore core = world.Nodes[0].Core;

        world.RunUntil(world.AcknowledgedAtMs(7) + 4_000);

        Assert.InRange(core.RemainingMs(7, world.NowMs)!.Value, 5_900, 6_000);
        world.RunFor(6_100);
        Assert.Equal(0, core.RemainingMs(7, world.NowMs));
        Assert.Null(core.RemainingMs(8, world.NowMs));
    }

    private static void GrantMany(LeaseWorld world, long first, int count)
    {
        for (long id = first; id < first + count - 1; id++)
        {
            var grant = new LessorCommand(new Command.LeaseGrant(id, 10));
            world.Nodes[0].Clients.Add(grant, static _ => { });
            world.Send(world.Nodes[0], grant);
        }
        world.Grant(first + count - 1, 10);
    }

    private static void AssertEndedInTime(LeaseWorld world, long lease, long ttlMs)
    {
        long endedAtMs = Assert.NotNull(world.EndedAtMs(lease));
        // A step is as fine as this clock goes.
        Assert.InRange(
            endedAtMs - world.AcknowledgedAtMs(lease), ttlMs, ttlMs + 1_000 + LeaseWorld.StepMs);
    }
}
