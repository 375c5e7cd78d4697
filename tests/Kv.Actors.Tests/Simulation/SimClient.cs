using System.Text;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Tests.Simulation;

/// <summary>
/// A client that makes one call after the other, each of any node; with a request id it repeats a call
/// without an answer through another node.
/// </summary>
internal sealed class SimClient(SimWorld world, int number)
{
    private const int AttemptsMax = 6;

    private int _callsLeft = world.Plan.OperationsPerClient;
    private int _calls;

    internal bool IsDone { get; private set; }

    internal void Start() => world.Time.In(world.Dice.Between(0, 200), CallNext);

    private string Name => $"c{number}";

    private void CallNext()
    {
        if (_callsLeft == 0)
        {
            IsDone = true;
            return;
        }
        _callsLeft--;
        Try(NewCall());
    }

    private SimCall NewCall()
    {
        Dice dice = world.Dice;
        string key = dice.Pick(world.Plan.Keys);
        byte[] keyBytes = Encoding.UTF8.GetBytes(key);
        int kind = world.Plan.MostlyDeletes ? dice.Between(31, 75) : dice.Between(1, 100);
        Command command = kind switch
        {
            <= 40 => new Command.Set(keyBytes, Encoding.UTF8.GetBytes($"{Name}.{++_calls}")),
            <= 60 => new Command.Del(keyBytes),
            <= 75 => new Command.Get(keyBytes),
            <= 90 => new Command.Barrier(),
            _ => new Command.Print(),
        };
        bool isMutating = command is Command.Set or Command.Del;
        RequestId? id = isMutating && dice.Chance(world.Plan.RequestIds)
            ? new RequestId(dice.Number(), dice.Chance(0.1) ? 0 : world.RevisionKnown)
            : null;
        return new SimCall(Name, key, new LoggedCommand(command, id), world.Time.NowMs);
    }

    private void Try(SimCall call)
    {
        call.Attempts++;
        SimNode? node = world.PickNode();
        world.Transcript.Add(
            $"{Name}        asks {node?.Id ?? "a dead node"}: {EntryText.Of(call.Command)} ({call.Key})");
        _ = new SimAttempt(
            world,
            node,
            call.Command,
            world.Dice.Between(50, 2_500),
            (attempt, how) => End(call, attempt, how));
    }

    private void End(SimCall call, SimAttempt attempt, AttemptEnd how)
    {
        switch (how)
        {
            case AttemptEnd.Answered { Reply: Reply.Refused { Error: StoreError.RequestIdExpired } }:
                world.Transcript.Add($"{Name}        is told that its request id has expired");
                world.Clerk.NoteUnknown(call);
                break;
            case AttemptEnd.Answered answered:
                world.Transcript.Add($"{Name}        has its answer: order {answered.Reply.Order}");
                world.RevisionKnown = Math.Max(world.RevisionKnown, answered.Reply.Revision);
                world.Clerk.NoteAnswer(call, answered.Reply, attempt.Node!);
                break;
            case AttemptEnd.Unknown unknown:
                world.Transcript.Add($"{Name}        does not know what became of it: {unknown.Why}");
                call.MayBePublished = true;
                RepeatOrGiveUp(call);
                return;
            case AttemptEnd.NotPublished refused:
                world.Transcript.Add($"{Name}        is refused: {refused.Why}");
                RepeatOrGiveUp(call);
                return;
        }
        CallSoon();
    }

    private void RepeatOrGiveUp(SimCall call)
    {
        if (call.Command.RequestId is not null && call.Attempts < AttemptsMax)
        {
            world.Time.In(world.Dice.Between(1, 200), () => Try(call));
            return;
        }
        if (call.MayBePublished)
        {
            world.Clerk.NoteUnknown(call);
        }
        else
        {
            world.Clerk.NoteRefused(call);
        }
        CallSoon();
    }

    private void CallSoon() => world.Time.In(world.Dice.Between(0, 150), CallNext);
}

/// <summary>A client's call with all its attempts.</summary>
internal sealed class SimCall(string client, string key, LoggedCommand command, long calledAtMs)
{
    internal string Client { get; } = client;

    internal string Key { get; } = key;

    internal LoggedCommand Command { get; } = command;

    internal long CalledAtMs { get; } = calledAtMs;

    internal int Attempts { get; set; }

    /// <summary>Some attempt ended without a word on whether it was published.</summary>
    internal bool MayBePublished { get; set; }
}

/// <summary>After healing every node has to take a write, soon.</summary>
internal sealed class SimProbe(SimWorld world, int node)
{
    private int _attempts;

    internal bool IsDone { get; private set; }

    internal string Trouble { get; private set; } = "no answer";

    internal void Start()
    {
        byte[] value = Encoding.UTF8.GetBytes($"p{node}.{++_attempts}");
        Command command = new Command.Set("probe"u8.ToArray(), value);
        _ = new SimAttempt(world, world.FindNode(node), new LoggedCommand(command), null, End);
    }

    private void End(SimAttempt attempt, AttemptEnd how)
    {
        IsDone = how is AttemptEnd.Answered;
        if (!IsDone)
        {
            Trouble = how.ToString();
            world.Time.In(100, Start);
        }
    }
}
