using Xunit.Abstractions;

namespace Kv.Actors.Tests.Simulation;

/// <summary>The checks have teeth: nodes broken on purpose are found out within a few seeds.</summary>
[Collection(nameof(SimulationRuns))]
public sealed class BrokenPartsTests(ITestOutputHelper output)
{
    private const int SeedsMax = 10_000;

    [Fact]
    public void A_store_that_applies_gaps_is_noticed() => Noticed<StoreThatAppliesGaps>();

    [Fact]
    public void A_store_that_applies_duplicates_is_noticed() => Noticed<StoreThatAppliesDuplicates>();

    [Fact]
    public void A_store_without_request_ids_is_noticed() => Noticed<StoreWithoutRequestIds>();

    [Fact]
    public void A_store_that_differs_on_one_node_is_noticed() => Noticed<StoreThatDiffersOnOneNode>();

    [Fact]
    public void A_store_that_ignores_bases_is_noticed() =>
        Noticed<StoreThatIgnoresBases>(rewritesLog: true);

    [Fact]
    public void A_store_that_trusts_its_resume_point_is_noticed() =>
        Noticed<StoreThatTrustsItsResumePoint>(rewritesLog: true);

    [Fact]
    public void A_store_that_takes_runs_of_a_former_connection_is_noticed() =>
        Noticed<StoreThatTakesOldRuns>();

    [Fact]
    public void A_feed_that_does_not_check_gaps_is_noticed() => Noticed<StoreWithoutGapCheck>();

    [Fact]
    public void A_publisher_that_takes_unknown_for_confirmed_is_noticed() => Noticed<PublisherThatHopes>();

    [Fact]
    public void A_publisher_that_encodes_an_entry_again_is_noticed() => Noticed<PublisherThatEncodesAgain>();

    [Fact]
    public void A_publisher_that_answers_at_the_confirm_is_noticed() =>
        Noticed<PublisherThatAnswersAtConfirm>();

    [Fact]
    public void A_publisher_that_takes_unknown_for_refused_is_noticed() =>
        Noticed<PublisherThatGivesUpTooEarly>();

    [Fact]
    public void A_publisher_that_repeats_commands_is_noticed() => Noticed<PublisherThatRepeatsCommands>();

    [Fact]
    public void A_publisher_without_barriers_is_noticed() => Noticed<PublisherWithoutBarriers>();

    private void Noticed<T>(bool rewritesLog = false)
        where T : BrokenParts, new()
    {
        (int Seed, Exception Failure)? noticed =
            SimRuns.FirstNoticed(SeedsMax, rewritesLog, static () => new T());

        Assert.NotNull(noticed);
        output.WriteLine($"Seed {noticed.Value.Seed}: {noticed.Value.Failure.Message}");
    }
}
