using Kv.Actors.Proposals;

namespace Kv.Actors.Tests.Proposals;

public sealed class VersionDecisionTests
{
    private static readonly MemberVersions Old = new("old", 1, 1);
    private static readonly MemberVersions Newer = new("newer", 1, 2);
    private static readonly MemberVersions Newest = new("newest", 2, 3);

    [Fact]
    public void The_newest_version_that_all_run_is_proposed() =>
        Assert.Equal(2, VersionDecision.Next(1, 2, [Newer, Newest]));

    [Fact]
    public void One_member_that_does_not_run_it_is_enough_to_wait() =>
        Assert.Null(VersionDecision.Next(1, 3, [Old, Newer, Newest]));

    [Fact]
    public void A_member_that_is_away_is_waited_for() =>
        Assert.Null(VersionDecision.Next(1, 3, [Newer, Newest]));

    [Fact]
    public void A_member_heard_twice_is_one() =>
        Assert.Null(VersionDecision.Next(1, 2, [Newer, Newer]));

    [Fact]
    public void The_clusters_own_version_is_not_proposed_again() =>
        Assert.Null(VersionDecision.Next(2, 2, [Newer, Newest]));

    [Fact]
    public void Without_a_size_the_members_that_are_there_decide() =>
        Assert.Equal(2, VersionDecision.Next(1, 0, [Newer]));

    [Fact]
    public void Nobody_there_proposes_nothing() => Assert.Null(VersionDecision.Next(1, 0, []));
}
