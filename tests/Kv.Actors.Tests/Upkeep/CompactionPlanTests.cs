using Kv.Actors.Upkeep;

namespace Kv.Actors.Tests.Upkeep;

public sealed class CompactionPlanTests
{
    [Fact]
    public void By_revisions_it_waits_for_a_tenth_more_than_is_kept()
    {
        var plan = new CompactionPlan(new CompactionPolicy.ByRevisions(100));

        Assert.Null(plan.Next(TimeSpan.Zero, revision: 110, compacted: 0));
        Assert.Equal(11, plan.Next(TimeSpan.Zero, revision: 111, compacted: 0));
        Assert.Null(plan.Next(TimeSpan.Zero, revision: 111, compacted: 11));
    }

    [Fact]
    public void By_age_it_goes_to_what_the_revision_was_then()
    {
        var plan = new CompactionPlan(new CompactionPolicy.ByAge(TimeSpan.FromSeconds(10)));
        long?[] targets =
        [
            .. Enumerable.Range(0, 14).Select(second => plan.Next(
                TimeSpan.FromSeconds(second), revision: 100 + second, compacted: 0)),
        ];

        Assert.All(targets[..10], static target => Assert.Null(target));
        Assert.Equal([100, 101, 102, 103], targets[10..]);
    }

    [Fact]
    public void What_another_node_compacted_is_not_compacted_again()
    {
        var plan = new CompactionPlan(new CompactionPolicy.ByAge(TimeSpan.FromSeconds(10)));
        plan.Next(TimeSpan.Zero, revision: 50, compacted: 0);

        Assert.Null(plan.Next(TimeSpan.FromSeconds(11), revision: 90, compacted: 60));
    }

    [Fact]
    public void A_history_that_is_too_large_loses_half_of_its_revisions()
    {
        var plan = new CompactionPlan(new CompactionPolicy.ByRevisions(100));

        Assert.Equal(75, plan.Next(TimeSpan.Zero, revision: 100, compacted: 50, isFull: true));
        Assert.Equal(
            100, plan.Next(TimeSpan.Zero, revision: 100, compacted: 99, isFull: true));
        Assert.Null(plan.Next(TimeSpan.Zero, revision: 100, compacted: 100, isFull: true));
    }

    [Fact]
    public void Off_never_compacts() => Assert.Null(
        new CompactionPlan(new CompactionPolicy.Off()).Next(
            TimeSpan.FromDays(99), long.MaxValue, 0, isFull: true));

    [Theory]
    [InlineData("off", true)]
    [InlineData("revisions:1", true)]
    [InlineData("age:90s", true)]
    [InlineData("age:10000h", true)]
    [InlineData("age:10001h", false)]
    [InlineData("age:5", false)]
    [InlineData("age:h", false)]
    [InlineData("revisions:0", false)]
    [InlineData("revisions:-1", false)]
    [InlineData("on", false)]
    [InlineData("", false)]
    public void Policies_are_read_or_refused(string text, bool isRead) =>
        Assert.Equal(isRead, CompactionPolicy.TryParse(text) is not null);
}
