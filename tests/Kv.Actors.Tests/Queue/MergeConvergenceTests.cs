using System.Globalization;
using Kv.Core.Merge;

namespace Kv.Actors.Tests.Queue;

/// <summary>
/// Seeded runs. A failure names its seed; KV_SIM_SEED=SEED dotnet test --filter MergeConvergence replays that
/// one.
/// </summary>
public sealed class MergeConvergenceTests
{
    private const int Seeds = 200;
    private const int Steps = 500;

    [Fact]
    public void Nodes_converge_whatever_order_messages_come_in() =>
        AssertConverges(new SimFaults { Overtakes = 0.5, Duplicated = 0.2 });

    [Fact]
    public void Nodes_converge_after_losses() =>
        AssertConverges(new SimFaults { Overtakes = 0.3, Duplicated = 0.1, Lost = 0.2, Isolated = 0.01 });

    [Fact]
    public void Nodes_converge_after_restarts_with_empty_state() =>
        AssertConverges(new SimFaults { Overtakes = 0.3, Duplicated = 0.1, Restarts = 0.01 });

    [Fact]
    public void Nodes_converge_when_durable_queues_outlive_restarts() =>
        AssertConverges(new SimFaults
        {
            Overtakes = 0.3, Duplicated = 0.2, Restarts = 0.01, Isolated = 0.005, DurableQueues = true,
        });

    [Fact]
    public void Nodes_converge_beside_a_node_of_the_original_system() =>
        AssertConverges(new SimFaults
        {
            Overtakes = 0.3, Duplicated = 0.2, Lost = 0.1, Foreign = 0.4, Isolated = 0.005,
        });

    [Fact]
    public void Nodes_converge_when_one_returns_that_was_forgotten() =>
        AssertConverges(new SimFaults { Overtakes = 0.3, Isolated = 0.02, ForgottenAfter = 30 });

    [Fact]
    public void Nodes_converge_under_everything_at_once() =>
        AssertConverges(
            new SimFaults
            {
                Overtakes = 0.3, Duplicated = 0.2, Lost = 0.1, Foreign = 0.2, Restarts = 0.005,
                Isolated = 0.01,
                ForgottenAfter = 30,
            },
            mayLoseWrites: true);

    [Fact]
    public void Tombstones_are_dropped_while_nodes_go_on_writing()
    {
        int dropped = 0;
        foreach (int seed in SeedsToRun())
        {
            var simulation = new MergeSimulation(seed, new SimFaults { Overtakes = 0.2, Lost = 0.05 });

            simulation.Run(Steps);

            dropped += simulation.Nodes.Sum(node => node.TombstonesDropped);
        }

        Assert.True(dropped > 10 * SeedsToRun().Count(), $"Only {dropped} tombstones were dropped.");
    }

    [Fact]
    public void By_arrival_nodes_end_up_different()
    {
        int differing = 0;
        foreach (int seed in SeedsToRun())
        {
            var simulation = new MergeSimulation(
                seed, new SimFaults { Order = WriteOrder.Arrival, Overtakes = 0.3 });
            simulation.Run(Steps);
            simulation.Heal();

            differing += simulation.Nodes.Select(MergeSimulation.ContentsOf).Distinct().Count() > 1 ? 1 : 0;
        }

        Assert.True(differing > 0, "Every seed converged by chance: the simulation does not reorder.");
    }

    private static void AssertConverges(SimFaults faults, bool mayLoseWrites = false)
    {
        foreach (int seed in SeedsToRun())
        {
            var simulation = new MergeSimulation(seed, faults);
            simulation.Run(Steps);
            simulation.Heal();

            string[] contents = [.. simulation.Nodes.Select(MergeSimulation.ContentsOf).Distinct()];
            string[] lost = mayLoseWrites ? [] : [.. simulation.LostWrites()];

            string replay = $"KV_SIM_SEED={seed}";
            Assert.True(contents.Length == 1, $"{replay}: nodes differ: {string.Join(" | ", contents)}");
            Assert.True(simulation.Nodes.All(node => node.Store.Digests.DifferingFrom(
                simulation.Nodes[0].Store.Digests.CopyBuckets()) == 0), $"{replay}: digests differ");
            Assert.True(lost.Length == 0, $"{replay}: acknowledged writes lost: {string.Join(", ", lost)}");
        }
    }

    private static IEnumerable<int> SeedsToRun() =>
        Environment.GetEnvironmentVariable("KV_SIM_SEED") is { Length: > 0 } seed
            ? [int.Parse(seed, CultureInfo.InvariantCulture)]
            : Enumerable.Range(1, Seeds);
}
