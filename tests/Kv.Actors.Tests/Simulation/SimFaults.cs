using Kv.Actors.Tests.Core;

namespace Kv.Actors.Tests.Simulation;

/// <summary>Faults that hit nodes, connections and the log, one after the other.</summary>
internal sealed class SimFaults(SimWorld world)
{
    internal void Start()
    {
        if (world.Plan.RewritesLog)
        {
            world.Time.In(world.Plan.FaultsUntilMs * world.Dice.Between(20, 90) / 100, world.RewriteLog);
        }
        if (world.Plan.Faults.Count > 0)
        {
            PlanNext();
        }
    }

    private void PlanNext() => world.Time.In(world.Dice.Between(1, world.Plan.FaultEveryMsMax), () =>
    {
        if (world.IsFaulty)
        {
            Strike(world.Dice.Pick(world.Plan.Faults));
            PlanNext();
        }
    });

    private void Strike(SimFault fault)
    {
        Dice dice = world.Dice;
        SimNode? node = world.PickNode();
        switch (fault)
        {
            case SimFault.Crash when node is not null:
                world.NodeEnds(node);
                break;
            case SimFault.Snapshot:
                node?.SaveSnapshot();
                break;
            case SimFault.EmptyDisk when node is not null && world.MayLoseDisk(node):
                world.Transcript.Add($"{node.Id}        loses its data directory");
                world.NodeEnds(node);
                world.DiskOf(node).Empty();
                break;
            case SimFault.Truncation when !world.Plan.RewritesLog:
                world.Log.TruncateBefore(world.CoveredOffset);
                break;
            case SimFault.Restart when node is not null:
                world.Transcript.Add($"{node.Id}        is asked to stop");
                node.Drain();
                world.Time.In(500, node.Stop);
                break;
            case SimFault.ChannelBreak:
                node?.BreakChannel(dice.Between(5, 1_500));
                break;
            case SimFault.FeedBreak:
                node?.BreakFeed(dice.Between(5, 1_000));
                break;
            case SimFault.LogAway:
                TakeLogAway(dice.Between(5, 1_500));
                break;
            case SimFault.SlowNode when node is not null:
                world.Transcript.Add($"{node.Id}        is slow");
                node.MailDelayMsMax = dice.Between(20, 150);
                world.Time.In(dice.Between(100, 800), () => node.MailDelayMsMax = 2);
                break;
            case SimFault.Stray when world.Log.Records.Count > 0:
                world.Log.Arrive(dice.Chance(0.5) ? Foreign() : [1, 2, 3], "somebody else");
                break;
            case SimFault.Replay when world.Log.Records.Count > 0:
                world.Log.Arrive(OldMessage(), "an old connection");
                break;
        }
    }

    private void TakeLogAway(int downMs)
    {
        foreach (SimNode node in world.LiveNodes)
        {
            node.BreakChannel(downMs);
            node.BreakFeed(downMs);
        }
    }

    private static byte[] Foreign() => Entries.Encode(0xBAD, 1, 1, Entries.Set("k0", "foreign"));

    private byte[] OldMessage()
    {
        byte[][] messages = [.. world.Log.Records.Select(static record => record.Entry.ToArray())];
        byte[][] registrations = [.. messages.Where(static message => EntryText.IsRegistration(message))];
        return world.Dice.Pick(registrations.Length > 0 && world.Dice.Chance(0.5) ? registrations : messages);
    }
}
