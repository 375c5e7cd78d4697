namespace Kv.Testing.Watches;

/// <summary>What etcd promises of watches (etcd.io/docs, "KV API guarantees", "Watch APIs").</summary>
public enum WatchGuarantee
{
    /// <summary>Events come in the order of their revisions.</summary>
    Ordered,

    /// <summary>No event comes twice.</summary>
    Unique,

    /// <summary>The events of one revision come in one reply.</summary>
    Atomic,

    /// <summary>Between two events none is left out, and none comes that never was.</summary>
    Reliable,

    /// <summary>A watch from a revision begins with the first event from there on.</summary>
    Resumable,

    /// <summary>Behind a progress notification come only events that are newer.</summary>
    Bookmarkable,

    /// <summary>A previous state is the one before the event, and is given when asked for.</summary>
    PreviousState,

    /// <summary>Only events that were asked for.</summary>
    Filtered,
}

/// <summary>A promise that was not kept, and how.</summary>
public sealed record WatchViolation(WatchGuarantee Guarantee, string How);

/// <summary>Holds what a watch got against what was written.</summary>
public static class WatchValidator
{
    /// <summary>Every promise not kept, at most once each.</summary>
    /// <param name="history">All writes through the last event of the record.</param>
    /// <param name="record">What the watch got.</param>
    /// <param name="through">
    /// The watch had time enough to get everything through this revision; 0: only what lies before its last
    /// message is missed.
    /// </param>
    public static IReadOnlyList<WatchViolation> Check(
        WriteHistory history, WatchRecord record, long through = 0)
    {
        IReadOnlyList<WatchMessage> replies = Joined(record.Messages);
        WatchEvent[] got = [.. replies.SelectMany(static reply => reply.Events)];
        WatchEvent[] wanted =
        [
            .. history.Events().Where(e => e.Revision >= record.First && record.Demand.Matches(e)),
        ];
        return
        [
            .. Ordered(got),
            .. Unique(got),
            .. Atomic(replies),
            .. Bookmarkable(replies, wanted),
            .. Filtered(record.Demand, got),
            .. Resumable(record, got, wanted),
            .. Reliable(got, wanted, Math.Max(through, record.Last)),
            .. PreviousState(record.Demand, got, wanted, history.CompactedAt),
        ];
    }

    private static List<WatchMessage> Joined(IReadOnlyList<WatchMessage> messages)
    {
        List<WatchMessage> replies = [];
        List<WatchEvent> pending = [];
        foreach (WatchMessage message in messages)
        {
            pending.AddRange(message.Events);
            if (!message.Continues)
            {
                replies.Add(message with { Events = pending });
                pending = [];
            }
        }
        return replies;
    }

    private static IEnumerable<WatchViolation> Ordered(WatchEvent[] got) => got
        .Zip(got.Skip(1))
        .Where(static pair => pair.Second.Revision < pair.First.Revision)
        .Select(static pair => new WatchViolation(
            WatchGuarantee.Ordered, $"{pair.Second} came behind {pair.First}."))
        .Take(1);

    private static IEnumerable<WatchViolation> Unique(WatchEvent[] got) => got
        .GroupBy(static e => (e.Revision, e.State.Key, e.IsDelete))
        .Where(static same => same.Count() > 1)
        .Select(static same => new WatchViolation(
            WatchGuarantee.Unique, $"{same.First()} came {same.Count()} times."))
        .Take(1);

    private static IEnumerable<WatchViolation> Atomic(IReadOnlyList<WatchMessage> replies) => replies
        .SelectMany(static (reply, at) => reply.Events.Select(e => (e.Revision, at)).Distinct())
        .GroupBy(static place => place.Revision)
        .Where(static places => places.Count() > 1)
        .Select(static places => new WatchViolation(
            WatchGuarantee.Atomic, $"The events of r{places.Key} came in {places.Count()} replies."))
        .Take(1);

    private static IEnumerable<WatchViolation> Bookmarkable(
        IReadOnlyList<WatchMessage> replies, WatchEvent[] wanted)
    {
        long mark = 0;
        int got = 0;
        foreach (WatchMessage reply in replies)
        {
            got += reply.Events.Count;
            if (reply.Events.FirstOrDefault(e => e.Revision <= mark) is { } late)
            {
                return [Violation($"{late} came behind the progress notification of r{mark}.")];
            }
            if (reply.Events.Count > 0)
            {
                if (reply.Events[^1].Revision > reply.Revision)
                {
                    return [Violation($"{reply.Events[^1]} came with the header of r{reply.Revision}.")];
                }
                continue;
            }
            if (reply.Revision < mark)
            {
                return [Violation($"Progress went back from r{mark} to r{reply.Revision}.")];
            }
            mark = reply.Revision;
            int due = wanted.Count(e => e.Revision <= mark);
            if (got < due)
            {
                return [Violation($"r{mark} was told as progress with {due - got} events still to come.")];
            }
        }
        return [];

        static WatchViolation Violation(string how) => new(WatchGuarantee.Bookmarkable, how);
    }

    private static IEnumerable<WatchViolation> Filtered(WatchDemand demand, WatchEvent[] got) => got
        .Where(e => !demand.Matches(e))
        .Select(e => new WatchViolation(WatchGuarantee.Filtered, $"{e} is not of {demand}."))
        .Take(1);

    private static IEnumerable<WatchViolation> Resumable(
        WatchRecord record, WatchEvent[] got, WatchEvent[] wanted)
    {
        if (record.Demand.StartRevision == 0 || got.Length == 0 || wanted.Length == 0
            || got[0].Revision == wanted[0].Revision)
        {
            return [];
        }
        string how = $"From r{record.Demand.StartRevision} on it began with {got[0]}, not with {wanted[0]}.";
        return [new WatchViolation(WatchGuarantee.Resumable, how)];
    }

    private static IEnumerable<WatchViolation> Reliable(WatchEvent[] got, WatchEvent[] wanted, long through)
    {
        WatchEvent[] due = [.. wanted.Where(e => e.Revision <= through)];
        for (int i = 0; i < Math.Max(due.Length, got.Length); i++)
        {
            WatchEvent? want = i < due.Length ? Comparable(due[i]) : null;
            WatchEvent? have = i < got.Length ? Comparable(got[i]) : null;
            if (want != have)
            {
                string how = $"Event {i} had to be {Text(want)}, and was {Text(have)}.";
                return [new WatchViolation(WatchGuarantee.Reliable, how)];
            }
        }
        return [];

        static string Text(WatchEvent? e) => e?.ToString() ?? "none";
    }

    private static WatchEvent Comparable(WatchEvent e) => e with { Previous = null };

    private static IEnumerable<WatchViolation> PreviousState(
        WatchDemand demand, WatchEvent[] got, WatchEvent[] wanted, long compactedAt)
    {
        Dictionary<(long, string), KeyState?> right = [];
        foreach (WatchEvent e in wanted)
        {
            right[(e.Revision, e.State.Key)] = demand.PrevKv ? e.Previous : null;
        }
        return got
            .Where(e => right.TryGetValue((e.Revision, e.State.Key), out KeyState? previous)
                && e.Previous != previous
                && !(e.Previous is null && e.Revision <= compactedAt))
            .Select(e => new WatchViolation(
                WatchGuarantee.PreviousState,
                $"{e}, but before was {right[(e.Revision, e.State.Key)]?.ToString() ?? "nothing"}."))
            .Take(1);
    }
}
