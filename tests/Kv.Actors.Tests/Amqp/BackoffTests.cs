using Kv.Actors.Log.Amqp;

namespace Kv.Actors.Tests.Amqp;

public sealed class BackoffTests
{
    [Fact]
    public void Pauses_double_up_to_the_longest_and_are_cut_by_a_half_at_most()
    {
        var backoff = new Backoff(delayMsMin: 100, delayMsMax: 5_000);
        int[] longest = [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000];

        Assert.All(longest, delayMs => Assert.InRange(backoff.Fail(), delayMs / 2, delayMs));
    }

    [Fact]
    public void An_attempt_may_be_made_at_first_and_after_a_success_but_not_during_a_pause()
    {
        var backoff = new Backoff(delayMsMin: 100_000, delayMsMax: 100_000);

        int atFirstMs = backoff.RemainingMs;
        int delayMs = backoff.Fail();
        int pausedMs = backoff.RemainingMs;
        backoff.Reset();

        Assert.Equal(0, atFirstMs);
        Assert.InRange(pausedMs, 1, delayMs);
        Assert.Equal(0, backoff.RemainingMs);
    }
}
