using Kv.Actors.Leasing;

namespace Kv.Actors.Tests.Leasing;

/// <summary>
/// Leases under outages, pauses, lags, restarts and changing ranks, seeded. Whatever happens, none ends
/// before its time as its clients count it by what they were told, and each ends when all is well again.
/// </summary>
public sealed class LessorSimulationTests
{
    private const int RunMs = 120_000;
    private const int Leases = 12;

    public static TheoryData<int> Seeds() => [.. Enumerable.Range(1, 60)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void No_lease_ends_before_its_time_and_each_ends_in_the_end(int seed) => Assert.Equal(
        "", Run(seed, new LessorOptions()));

    [Fact]
    public void The_simulation_notices_who_ends_leases_too_early() => Assert.Contains(
        Enumerable.Range(1, 10), static seed => Run(seed, new LessorOptions { MarginMs = -50 }).Length > 0);

    /// <returns>What went wrong; empty: nothing.</returns>
    private static string Run(int seed, LessorOptions options)
    {
        var random = new Random(seed);
        var world = new LeaseWorld(3, options) { LatencyMs = random.Next(1, 40) };
        long[] ttls = [.. Enumerable.Range(0, Leases).Select(_ => (long)random.Next(2, 12))];
        for (int lease = 0; lease < Leases; lease++)
        {
            world.Grant(lease + 1, ttls[lease], random.Next(3));
            // Some clients are gone before the end, some ask too seldom.
            world.KeepAliveEvery(
                random.Next(300, 1_500) * ttls[lease], lease + 1, random.Next(RunMs), () => random.Next(3));
        }
        PlanTroubles(world, random);

        world.RunUntil(RunMs);
        world.IsLogAway = false;
        foreach (LessorNode node in world.Nodes)
        {
            node.Resume();
            node.LagMs = 0;
        }
        world.RunFor(60_000);

        for (int lease = 0; lease < Leases; lease++)
        {
            if (world.EndedAtMs(lease + 1) is not { } endedAtMs)
            {
                return $"Lease {lease + 1} never ended.";
            }
            long earlyMs = world.ToldUntilMs(lease + 1) - endedAtMs;
            if (earlyMs > 0)
            {
                return $"Lease {lease + 1} of {ttls[lease]} s ended {earlyMs} ms before its time.";
            }
        }
        return "";
    }

    private static void PlanTroubles(LeaseWorld world, Random random)
    {
        for (long atMs = 3_000; atMs < RunMs; atMs += random.Next(2_000, 9_000))
        {
            LessorNode node = world.Nodes[random.Next(3)];
            long untilMs = atMs + random.Next(200, 8_000);
            switch (random.Next(5))
            {
                case 0:
                    world.At(atMs, () => world.IsLogAway = true);
                    world.At(untilMs, () => world.IsLogAway = false);
                    break;
                case 1:
                    world.At(atMs, node.Pause);
                    world.At(untilMs, node.Resume);
                    break;
                case 2:
                    world.At(atMs, () => node.LagMs = 400);
                    world.At(untilMs, () => node.LagMs = 0);
                    break;
                case 3:
                    world.At(atMs, () => node.Do(node.Restart));
                    break;
                default:
                    int rank = random.Next(3);
                    world.At(atMs, () => node.Do(() => node.Core.SetRank(rank)));
                    break;
            }
        }
    }
}
