using System.Collections.Concurrent;
using Kv.Core.Store;

namespace Kv.Actors.Tests.Simulation;

/// <summary>
/// The real core and publisher of several nodes on one log, through thousands of random runs with
/// faults in virtual time.
/// </summary>
[Collection(nameof(SimulationRuns))]
public sealed class SimulationTests
{
    private const int Seeds = 10_000;
    private const int SeedsWithRewrites = 3_000;

    // Rewritten logs have runs of their own; an entry is skipped where an operator says so only.
    private static readonly string[] NotSimulated = [nameof(EntryFate.Halt), nameof(EntryFate.Skipped)];

    private static readonly string[] RareEvents =
        ["a start from a snapshot", "a need of a peer's snapshot", "a log truncated under a reader"];

    [Fact]
    public void Whatever_fails_nodes_agree_and_every_answer_holds()
    {
        ConcurrentDictionary<string, int> seedsWith = [];

        SimRuns.RunAll(SimRuns.SeedsOr(Seeds), rewritesLog: false, look: world =>
        {
            IEnumerable<string> fates = world.FatesMet.Select(static fate => fate.ToString());
            foreach (string met in fates.Concat(world.EventsMet))
            {
                seedsWith.AddOrUpdate(met, 1, static (_, seeds) => seeds + 1);
            }
        });

        // A simulation that meets no trouble proves nothing.
        IEnumerable<string> meant = SimRuns.SeedAsked is null
            ? [.. Enum.GetNames<EntryFate>().Except(NotSimulated), .. RareEvents]
            : [];
        Assert.All(meant, met => Assert.InRange(seedsWith.GetValueOrDefault(met), 10, int.MaxValue));
    }

    [Fact]
    public void On_a_rewritten_log_a_node_halts_as_soon_as_it_could_notice()
    {
        int halted = 0;
        int goingOn = 0;

        SimRuns.RunAll(SimRuns.SeedsOr(SeedsWithRewrites), rewritesLog: true, look: world =>
        {
            Interlocked.Add(ref halted, world.LiveNodes.Count(static node => node.Follower.IsHalted));
            Interlocked.Add(ref goingOn, world.LiveNodes.Count(static node => !node.Follower.IsHalted));
        });

        Assert.True(SimRuns.SeedAsked is not null || (halted > 100 && goingOn > 100));
    }

    [Fact]
    public void A_seed_makes_the_same_run_each_time()
    {
        IReadOnlyList<string> first = SimRuns.TranscriptOf(seed: 7, rewritesLog: false);
        IReadOnlyList<string> second = SimRuns.TranscriptOf(seed: 7, rewritesLog: false);

        Assert.True(first.Count > 100);
        Assert.Equal(first, second);
    }
}

/// <summary>Runs that use all cores, one test after the other.</summary>
[CollectionDefinition(nameof(SimulationRuns), DisableParallelization = true)]
public sealed class SimulationRuns;
