using Kv.Core;
using Kv.Host.Grpc;

namespace Kv.Host.Tests.Limits;

public sealed class DelayLimitTests
{
    private const int Min = 4;
    private const int Max = 64;

    private readonly HandClock _clock = new();
    private readonly DelayLimit _limit;

    public DelayLimitTests() => _limit = new DelayLimit(Min, Max, _clock);

    [Fact]
    public void Beyond_the_limit_no_call_enters_until_one_has_left()
    {
        List<long> inside = Enter(Max);

        bool oneTooMany = _limit.TryEnter(out _);
        _limit.Leave(inside[0]);
        bool afterOneLeft = _limit.TryEnter(out _);

        Assert.Equal((Max, false, true), (inside.Count, oneTooMany, afterOneLeft));
    }

    [Fact]
    public void Calls_that_take_half_as_long_again_lower_the_limit_by_a_third()
    {
        Pass(calls: Max, KvLimits.CallDelayMsTarget * 3 / 2);

        Assert.Equal(Max * 2 / 3, _limit.Limit);
    }

    [Fact]
    public void However_long_calls_take_some_are_taken()
    {
        for (int i = 0; i < 10; i++)
        {
            Pass(calls: 1, KvLimits.CallDelayMsTarget * 20);
        }

        Assert.Equal(Min, _limit.Limit);
        Assert.Equal(Min, Enter(Max).Count);
    }

    [Fact]
    public void Quick_calls_do_not_hide_slow_ones()
    {
        List<long> slow = Enter(4);
        _clock.Advance(KvLimits.CallDelayMsTarget * 2);
        List<long> quick = Enter(Max - slow.Count);
        _clock.Advance(1);

        quick.ForEach(_limit.Leave);
        slow.ForEach(_limit.Leave);
        Pass(calls: 1, DelayLimit.WindowMs);

        Assert.True(_limit.Limit < Max, $"The limit is {_limit.Limit}.");
    }

    [Fact]
    public void It_grows_back_when_calls_are_quick_again_and_more_are_wanted()
    {
        Pass(calls: 1, KvLimits.CallDelayMsTarget * 20);
        int lowest = _limit.Limit;

        for (int i = 0; i < 20; i++)
        {
            Pass(calls: Max, DelayLimit.WindowMs);
        }

        Assert.True(lowest < Max, $"The limit was {lowest}.");
        Assert.Equal(Max, _limit.Limit);
    }

    [Fact]
    public void It_stays_low_while_nobody_wants_more()
    {
        Pass(calls: 1, KvLimits.CallDelayMsTarget * 20);
        int lowered = _limit.Limit;

        for (int i = 0; i < 20; i++)
        {
            Pass(calls: 1, DelayLimit.WindowMs);
        }

        Assert.Equal(lowered, _limit.Limit);
    }

    private List<long> Enter(int calls)
    {
        List<long> inside = [];
        for (int i = 0; i < calls; i++)
        {
            if (_limit.TryEnter(out long began))
            {
                inside.Add(began);
            }
        }
        return inside;
    }

    /// <summary>As many of them as may enter take so long.</summary>
    private void Pass(int calls, int delayMs)
    {
        List<long> inside = Enter(calls);
        _clock.Advance(delayMs);
        inside.ForEach(_limit.Leave);
    }

    private sealed class HandClock : TimeProvider
    {
        private long _nowMs;

        public override long TimestampFrequency => 1_000;

        public override long GetTimestamp() => _nowMs;

        public void Advance(int ms) => _nowMs += ms;
    }
}
