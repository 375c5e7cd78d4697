using Kv.Testing.Watches;

namespace Kv.Etcd.Tests.Watches;

/// <summary>The validator finds each promise broken, and none where all were kept.</summary>
public sealed class WatchValidatorTests
{
    private static readonly WatchDemand Everything = new("a", "z", StartRevision: 2, PrevKv: true);

    private static readonly WriteHistory History = Written();

    // r2: a=1; r3: a=2, b=1; r4: b deleted; r5: b=2; r6: a deleted.
    private static readonly IReadOnlyList<WatchEvent> All = History.Events();

    [Fact]
    public void The_history_knows_every_state()
    {
        Assert.Equal(
            [
                new WatchEvent(false, new KeyState("a", "1", 2, 2, 1), null),
                new WatchEvent(false, new KeyState("a", "2", 2, 3, 2), new KeyState("a", "1", 2, 2, 1)),
                new WatchEvent(false, new KeyState("b", "1", 3, 3, 1), null),
                new WatchEvent(true, new KeyState("b", "", 0, 4, 0), new KeyState("b", "1", 3, 3, 1)),
                new WatchEvent(false, new KeyState("b", "2", 5, 5, 1), null),
                new WatchEvent(true, new KeyState("a", "", 0, 6, 0), new KeyState("a", "2", 2, 3, 2)),
            ],
            All);
    }

    [Fact]
    public void A_watch_that_got_everything_breaks_nothing() =>
        Assert.Empty(Check(Everything, Message(2, 0), Message(4, 1, 2, 3), Message(4), Message(6, 4, 5)));

    [Fact]
    public void A_watch_from_now_on_misses_nothing_of_before() => Assert.Empty(WatchValidator.Check(
        History,
        new WatchRecord(Everything with { StartRevision = 0 }, CreatedAt: 4, [Message(6, 4, 5)]),
        through: 6));

    [Fact]
    public void Filters_leave_out_what_nobody_asked_for() => Assert.Empty(Check(
        Everything with { Key = "b", RangeEnd = "", NoPuts = true }, Message(6, 3)));

    [Fact]
    public void A_reply_in_fragments_is_one_reply() => Assert.Empty(Check(
        Everything,
        Message(2, 0), Message(3, 1) with { Continues = true }, Message(4, 2, 3), Message(6, 4, 5)));

    [Fact]
    public void A_previous_state_may_be_gone_with_a_compaction()
    {
        WriteHistory compacted = Written(compactedAt: 3);
        WatchEvent[] got = [.. All.Select(static e => e.Revision <= 3 ? e with { Previous = null } : e)];

        Assert.Empty(WatchValidator.Check(
            compacted, new WatchRecord(Everything, 6, [new WatchMessage(6, got)]), through: 6));
    }

    [Fact]
    public void Events_out_of_order_are_found() =>
        Finds(WatchGuarantee.Ordered, Everything, Message(4, 0, 3), Message(4, 1, 2), Message(6, 4, 5));

    [Fact]
    public void An_event_that_comes_again_is_found() =>
        Finds(WatchGuarantee.Unique, Everything, Message(4, 0, 1, 2, 3), Message(6, 3, 4, 5));

    [Fact]
    public void A_revision_in_two_replies_is_found() =>
        Finds(WatchGuarantee.Atomic, Everything, Message(3, 0, 1), Message(6, 2, 3, 4, 5));

    [Fact]
    public void A_missing_event_is_found() =>
        Finds(WatchGuarantee.Reliable, Everything, Message(3, 0, 1, 2), Message(6, 4, 5));

    [Fact]
    public void A_missing_end_is_found() =>
        Finds(WatchGuarantee.Reliable, Everything, Message(3, 0, 1, 2), Message(6, 3));

    [Fact]
    public void An_event_with_another_value_is_found() => Finds(
        WatchGuarantee.Reliable,
        Everything,
        new WatchMessage(6, [.. All.Select(static e => e with { State = e.State with { Value = "3" } })]));

    [Fact]
    public void An_event_with_another_version_is_found() => Finds(
        WatchGuarantee.Reliable,
        Everything,
        new WatchMessage(6, [.. All.Select(static e => e with { State = e.State with { Version = 9 } })]));

    [Fact]
    public void A_late_beginning_is_found() =>
        Finds(WatchGuarantee.Resumable, Everything, Message(6, 3, 4, 5));

    [Fact]
    public void Progress_that_was_not_made_is_found() =>
        Finds(WatchGuarantee.Bookmarkable, Everything, Message(3, 0, 1, 2), Message(4), Message(6, 3, 4, 5));

    [Fact]
    public void Progress_that_goes_back_is_found() => Finds(
        WatchGuarantee.Bookmarkable,
        Everything,
        Message(4, 0, 1, 2, 3), Message(4), Message(3), Message(6, 4, 5));

    [Fact]
    public void A_header_older_than_its_events_is_found() =>
        Finds(WatchGuarantee.Bookmarkable, Everything, Message(5, 0, 1, 2, 3, 4, 5));

    [Fact]
    public void A_wrong_previous_state_is_found() => Finds(
        WatchGuarantee.PreviousState,
        Everything,
        new WatchMessage(
            6, [.. All.Select(static e => e with { Previous = e.Previous is null ? null : e.State })]));

    [Fact]
    public void A_previous_state_left_out_is_found() => Finds(
        WatchGuarantee.PreviousState,
        Everything,
        new WatchMessage(6, [.. All.Select(static e => e with { Previous = null })]));

    [Fact]
    public void A_previous_state_nobody_asked_for_is_found() =>
        Finds(WatchGuarantee.PreviousState, Everything with { PrevKv = false }, Message(6, 0, 1, 2, 3, 4, 5));

    [Fact]
    public void An_event_of_another_key_is_found() =>
        Finds(WatchGuarantee.Filtered, Everything with { Key = "b" }, Message(6, 2, 3, 4, 5));

    [Fact]
    public void An_event_of_a_kind_that_was_filtered_is_found() =>
        Finds(WatchGuarantee.Filtered, Everything with { NoDeletes = true }, Message(6, 0, 1, 2, 3, 4, 5));

    private static WriteHistory Written(long compactedAt = 0)
    {
        var history = new WriteHistory { CompactedAt = compactedAt };
        history.Add(2, new KeyChange("a", "1"));
        history.Add(3, new KeyChange("a", "2"), new KeyChange("b", "1"));
        history.Add(4, new KeyChange("b", null));
        history.Add(5, new KeyChange("b", "2"));
        history.Add(6, new KeyChange("a", null));
        return history;
    }

    private static WatchMessage Message(long revision, params int[] events) =>
        new(revision, [.. events.Select(static at => All[at])]);

    private static IReadOnlyList<WatchViolation> Check(WatchDemand demand, params WatchMessage[] messages) =>
        WatchValidator.Check(History, new WatchRecord(demand, CreatedAt: 6, messages), through: 6);

    private static void Finds(WatchGuarantee guarantee, WatchDemand demand, params WatchMessage[] messages) =>
        Assert.Contains(guarantee, Check(demand, messages).Select(static found => found.Guarantee));
}
