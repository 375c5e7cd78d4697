namespace Kv.Actors.Tests.Leasing;

/// <summary>
/// Leases under outages, pauses, lags, restarts and changing ranks, seeded. Whatever happens, none ends before
/// its time as the client that was answered last counts it, and each ends some time after all is well.
/// </summary>
public sealed class LessorSimulationTests
{
    private const int RunMs = 120_000;
    private const int Leases = 12;

    public static TheoryData<int> Seeds() => [.. Enumerable.Range(1, 60)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void No_lease_ends_before_its_time_and_each_ends_in_the_end(int seed)
    {
        var random = new Random(seed);
        var world = new LeaseWorld(3) { LatencyMs = random.Next(1, 40) };
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
            long endedAtMs = world.EndedAtMs(lease + 1) ?? long.MaxValue;
            Assert.True(endedAtMs != long.MaxValue, $"Seed {seed}: lease {lease + 1} never ended.");
            long livedMs = endedAtMs - world.AcknowledgedAtMs(lease + 1);
            Assert.True(
                livedMs >= ttls[lease] * 1_000,
                $"Seed {seed}: lease {lease + 1} of {ttls[lease]} s ended {livedMs} ms after its last answer.");
        }
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
