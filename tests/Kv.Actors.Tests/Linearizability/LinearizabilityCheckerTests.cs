using Kv.Testing.Histories;
using Kv.Testing.Linearizability;
using static Kv.Actors.Tests.Linearizability.OneKey;

namespace Kv.Actors.Tests.Linearizability;

/// <summary>Histories whose verdict everybody can see. Times are call..return.</summary>
public sealed class LinearizabilityCheckerTests
{
    [Fact]
    public void No_operations_are_in_order() => Good();

    [Fact]
    public void One_after_the_other_is_in_order() =>
        Good(Get(null, 0, 1), Put("1", 2, 3), Get("1", 4, 5), Delete(true, 6, 7), Get(null, 8, 9));

    [Fact]
    public void A_read_beside_a_write_may_see_it_or_not()
    {
        Good(Put("1", 0, 1), Put("2", 2, 9), Get("1", 3, 4), Get("2", 5, 6));
        Good(Put("1", 0, 1), Put("2", 2, 9), Get("1", 3, 4), Get("1", 5, 6));
    }

    [Fact]
    public void Writes_side_by_side_may_take_effect_in_either_order()
    {
        Good(Put("1", 0, 5), Put("2", 1, 4), Get("1", 6, 7));
        Good(Put("1", 0, 5), Put("2", 1, 4), Get("2", 6, 7));
    }

    [Fact]
    public void A_stale_read_is_found() => Bad(Put("1", 0, 1), Put("2", 2, 3), Get("1", 4, 5));

    [Fact]
    public void A_read_of_what_nobody_wrote_is_found() => Bad(Put("1", 0, 1), Get("7", 2, 3));

    [Fact]
    public void A_lost_update_is_found() => Bad(Put("1", 0, 1), Get(null, 2, 3));

    [Fact]
    public void Reads_that_go_back_in_time_are_found_even_beside_the_write() =>
        Bad(Put("1", 0, 1), Put("2", 2, 20), Get("2", 3, 4), Get("1", 5, 6));

    [Fact]
    public void Readers_that_see_two_writes_in_different_orders_are_found() => Bad(
        Put("1", 0, 9), Put("2", 0, 9), Get("1", 10, 11), Get("2", 12, 13));

    [Fact]
    public void A_write_of_unknown_outcome_may_never_take_effect() =>
        Good(Put("1", 0, 1), Put("2", 2), Get("1", 3, 4), Get("1", 50, 60));

    [Fact]
    public void A_write_of_unknown_outcome_may_take_effect_late() =>
        Good(Put("1", 0, 1), Put("2", 2), Get("1", 3, 4), Put("3", 5, 6), Get("3", 7, 8), Get("2", 50, 60));

    [Fact]
    public void A_write_of_unknown_outcome_takes_effect_once() =>
        Bad(Put("2", 0), Get("2", 1, 2), Put("3", 3, 4), Get("3", 5, 6), Get("2", 7, 8));

    [Fact]
    public void A_write_of_unknown_outcome_is_not_seen_before_its_call() =>
        Bad(Get("2", 0, 1), Put("2", 2));

    [Fact]
    public void A_write_that_was_seen_and_vanishes_again_is_found() =>
        Bad(Put("1", 0, 1), Put("2", 2), Get("2", 3, 4), Get("1", 5, 6));

    [Fact]
    public void Unknown_writes_may_take_effect_one_behind_the_other() => Good(
        Put("1", 0), Put("2", 0), Put("3", 0), Get("3", 1, 2), Get("1", 3, 4), Get("2", 5, 6));

    [Fact]
    public void Two_deletions_of_one_put_cannot_both_have_found_it()
    {
        Good(Put("1", 0, 1), Delete(true, 2, 5), Delete(false, 3, 4));
        Bad(Put("1", 0, 1), Delete(true, 2, 5), Delete(true, 3, 4));
    }

    [Fact]
    public void A_deletion_of_unknown_outcome_explains_an_absence() =>
        Good(Put("1", 0, 1), Delete(null, 2), Get("1", 3, 4), Get(null, 5, 6));

    [Fact]
    public void Of_two_swaps_from_one_value_only_one_can_succeed()
    {
        Good(Put("1", 0, 1), Swap("1", "2", true, 2, 5), Swap("1", "3", false, 2, 5), Get("2", 6, 7));
        Bad(Put("1", 0, 1), Swap("1", "2", true, 2, 5), Swap("1", "3", true, 2, 5));
    }

    [Fact]
    public void A_swap_cannot_fail_when_its_expectation_held_all_the_time() =>
        Bad(Put("1", 0, 1), Swap("1", "2", false, 2, 3));

    [Fact]
    public void A_swap_from_nothing_creates() =>
        Good(Swap(null, "1", true, 0, 1), Swap(null, "2", false, 2, 3), Get("1", 4, 5));

    [Fact]
    public void Unknown_swaps_build_on_unknown_writes() => Good(
        Put("1", 0), Swap("1", "2", null, 0), Swap("2", "3", null, 0), Get("3", 1, 2));

    [Fact]
    public void A_failed_swap_shows_that_an_unknown_write_took_effect()
    {
        Good(Put("1", 0, 1), Put("2", 2), Swap("1", "3", false, 3, 4), Get("2", 5, 6));
        Bad(Put("1", 0, 1), Put("2", 2), Swap("1", "3", false, 3, 4), Get("1", 5, 6));
    }

    [Fact]
    public void What_happens_at_the_same_time_counts_as_side_by_side() =>
        Good(Put("1", 0, 5), Get(null, 5, 6));

    [Fact]
    public void Each_key_is_a_register_of_its_own()
    {
        Operation other = Put("2", 2, 3) with { Key = "other" };

        Good(Put("1", 0, 1), other, Get("1", 4, 5));
        Assert.Equal("other", BadOf(Put("1", 0, 1), other, Get("1", 4, 5) with { Key = "other" }).Key);
    }

    [Fact]
    public void A_violation_is_told_with_the_longest_order_that_works()
    {
        Verdict.Violated violated = BadOf(Put("1", 0, 1), Put("2", 2, 3), Put("9", 3), Get("1", 4, 5));

        Assert.Equal(2, violated.Prefix.Count);
        Assert.Equal("2", violated.State);
        Assert.Equal("c get k -> 1 (4..5)", Assert.Single(violated.Stuck).ToString());
        Assert.Equal("c put k = 9 (3..unknown)", Assert.Single(violated.Unused).ToString());
        Assert.Contains("not linearizable", violated.ToString());
    }

    [Fact]
    public void Without_time_it_does_not_decide()
    {
        // Every subset of these writes may have happened between two reads, and none of them explains
        // the last one.
        IEnumerable<Operation> history =
        [
            .. Enumerable.Range(0, 40).Select(static i => Put($"{i}", 0, 1_000)),
            .. Enumerable.Range(0, 40).Select(static i => Get($"{i}", 0, 1_000)),
            Get("never written", 500, 600),
        ];

        Verdict verdict = LinearizabilityChecker.Check(history, TimeSpan.FromMilliseconds(50));

        Assert.Equal("k", Assert.IsType<Verdict.Undecided>(verdict).Key);
    }

    private static void Good(params Operation[] history) =>
        Assert.IsType<Verdict.Linearizable>(Check(history));

    private static void Bad(params Operation[] history) => BadOf(history);

    private static Verdict.Violated BadOf(params Operation[] history) =>
        Assert.IsType<Verdict.Violated>(Check(history));
}
