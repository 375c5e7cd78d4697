using Kv.Actors.Publishing;
using Kv.Core;
using Kv.Core.Entries;

namespace Kv.Actors.Tests.Simulation;

/// <summary>
/// What a seed makes of a run: sizes, and which faults happen how often. Each seed leaves out about half of
/// the faults, so that they do not cover each other up.
/// </summary>
internal sealed record SimPlan
{
    internal required int Nodes { get; init; }

    internal required int Clients { get; init; }

    internal required int OperationsPerClient { get; init; }

    internal required string[] Keys { get; init; }

    /// <summary>Time with faults, ms. Afterwards everything heals and has to get on.</summary>
    internal required int FaultsUntilMs { get; init; }

    /// <summary>Null: the nodes found the cluster themselves, with the usual limits.</summary>
    internal required Genesis? Genesis { get; init; }

    internal required PublisherOptions Publisher { get; init; }

    /// <summary>Share of commands with a request id.</summary>
    internal required double RequestIds { get; init; }

    /// <summary>Deletions that find nothing are a class of their own: answers without a revision.</summary>
    internal required bool MostlyDeletes { get; init; }

    /// <summary>Most time between faults that hit nodes and connections, ms.</summary>
    internal required int FaultEveryMsMax { get; init; }

    internal required IReadOnlyList<SimFault> Faults { get; init; }

    /// <summary>Share of appends that are lost and nacked.</summary>
    internal required double Lost { get; init; }

    /// <summary>
    /// Share of appends whose outcome is reported unknown although the log has them, or gets them.
    /// </summary>
    internal required double UnknownButIn { get; init; }

    /// <summary>Share of appends refused before they leave.</summary>
    internal required double Refused { get; init; }

    internal required double LateConfirm { get; init; }

    internal required double Duplicated { get; init; }

    internal required double OffsetGap { get; init; }

    /// <summary>Longest way of an entry through the log to a reader, ms.</summary>
    internal required int DeliveryMsMax { get; init; }

    internal bool RewritesLog { get; init; }

    /// <summary>For a transcript.</summary>
    public override string ToString() =>
        $"{Nodes} nodes, {Clients} clients with {OperationsPerClient} calls each, keys {Keys.Length}, faults "
            + $"for {FaultsUntilMs} ms: {string.Join(", ", Faults)}; lost {Lost:p0}, unknown "
            + $"{UnknownButIn:p0}, refused {Refused:p0}, late {LateConfirm:p0}, twice {Duplicated:p0}, "
            + $"offset gaps {OffsetGap:p0}; producers {Genesis?.ProducersMax}, request ids "
            + $"{Genesis?.RequestIdsMax}, in flight {Publisher.EntriesInFlightMax}";

    internal static SimPlan Of(Dice dice, bool rewritesLog)
    {
        int nodes = dice.Between(3, 5);
        double Share(double max) => dice.Chance(0.5) ? dice.Between(1, 100) * max / 100 : 0;
        return new SimPlan
        {
            Nodes = nodes,
            Clients = dice.Between(2, 5),
            OperationsPerClient = dice.Between(3, 9),
            Keys = [.. Enumerable.Range(0, dice.Between(1, 4)).Select(static i => $"k{i}")],
            FaultsUntilMs = dice.Between(1_000, 4_000),
            Genesis = dice.Chance(0.7)
                ? Genesis.Empty(0xC0FFEE) with
                {
                    ProducersMax = dice.Chance(0.5) ? nodes + dice.Between(1, 3) : KvLimits.ProducersMax,
                    RequestIdsMax = dice.Chance(0.5) ? dice.Between(1, 6) : KvLimits.RequestIdsMax,
                }
                : null,
            Publisher = new PublisherOptions
            {
                EntriesInFlightMax = dice.Between(1, KvLimits.EntriesInFlightMax),
                EntryBytesTarget = dice.Chance(0.5) ? dice.Between(1, 400) : KvLimits.EntryBytesTarget,
                OutageGraceMs = dice.Between(100, 1_500),
                ReadBackTimeoutMs = dice.Chance(0.25) ? dice.Between(200, 1_000) : 10_000,
                MayFound = true,
            },
            MostlyDeletes = dice.Chance(0.2),
            RequestIds = dice.Pick([0.0, 0.6, 1.0]),
            FaultEveryMsMax = dice.Between(100, 600),
            Faults = [.. Enum.GetValues<SimFault>().Where(_ => dice.Chance(0.5))],
            Lost = Share(0.3),
            UnknownButIn = Share(0.3),
            Refused = Share(0.3),
            LateConfirm = Share(0.3),
            Duplicated = Share(0.2),
            OffsetGap = Share(0.3),
            DeliveryMsMax = dice.Between(2, 40),
            RewritesLog = rewritesLog,
        };
    }
}

/// <summary>Faults that hit a node or a connection at some moment.</summary>
internal enum SimFault
{
    /// <summary>A process dies with all it has in memory, and starts again a while later.</summary>
    Crash = 1,

    /// <summary>A node is asked to stop, and starts again.</summary>
    Restart = 2,

    /// <summary>A publishing connection breaks. What was under way is lost or arrives later.</summary>
    ChannelBreak = 3,

    FeedBreak = 4,

    /// <summary>Nobody reaches the log.</summary>
    LogAway = 5,

    /// <summary>A node's actors take their time.</summary>
    SlowNode = 6,

    /// <summary>Somebody else's message, or an entry of another cluster.</summary>
    Stray = 7,

    /// <summary>An entry that the log has comes once more: a registration above all.</summary>
    Replay = 8,

    /// <summary>A node writes a snapshot, from which it may start later.</summary>
    Snapshot = 9,

    /// <summary>A node dies, and starts again with nothing.</summary>
    EmptyDisk = 10,

    /// <summary>The log drops what one node's snapshots cover.</summary>
    Truncation = 11,
}
