using Kv.Core.Entries;
using Kv.Core.Store;
using Kv.Testing.Histories;
using Kv.Testing.Linearizability;

namespace Kv.Actors.Tests.Simulation;

/// <summary>Keeps what clients were told, and holds it against the log.</summary>
internal sealed class SimClerk(SimWorld world)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly List<Operation> _history = [];
    private readonly HashSet<long> _ordersAnswered = [];
    private readonly List<SimCall> _refused = [];

    internal int Answers { get; private set; }

    internal void NoteAnswer(SimCall call, Reply reply, SimNode node)
    {
        Answers++;
        if (world.Plan.RewritesLog)
        {
            return;
        }
        if (call.Command.Command is Command.Barrier)
        {
            NoteBarrierRead(call, node);
            return;
        }
        string answer = reply switch
        {
            Reply.Got got => got.Value is { } value ? EntryText.Text(value) : "nothing",
            Reply.Removed removed => removed.Deleted.ToString(),
            Reply.Printed { View: { } view } => StateText.Of(view),
            Reply.Done => "",
            _ => reply.ToString()!,
        };
        HoldAgainstLog(call, reply, answer);
        if (call.Command.Command is not Command.Print)
        {
            Operation operation = NewOperation(call) with { ReturnedAt = world.Time.NowMs };
            Add(operation.Kind switch
            {
                OperationKind.Get => operation with { Read = answer == "nothing" ? null : answer },
                OperationKind.Delete => operation with { Succeeded = answer == "1" },
                _ => operation,
            });
            return;
        }
        Dictionary<string, string> read = ((Reply.Printed)reply).View!.Scan(default, default)
            .ToDictionary(static pair => EntryText.Text(pair.Key), static pair => EntryText.Text(pair.Value));
        foreach (string key in world.Plan.Keys)
        {
            AddRead(call, key, read.GetValueOrDefault(key));
        }
    }

    internal void NoteUnknown(SimCall call)
    {
        if (call.Command.Command is Command.Set or Command.Del)
        {
            Add(NewOperation(call));
        }
    }

    internal void NoteRefused(SimCall call) => _refused.Add(call);

    internal void CheckAtEnd()
    {
        foreach (SimCall call in _refused)
        {
            bool isInLog = call.Command switch
            {
                { RequestId: { } id } => world.Oracle.WasApplied(id.Id),
                { Command: Command.Set set } => world.Oracle.WasSet(EntryText.Text(set.Value)),
                _ => false,
            };
            if (isInLog)
            {
                throw new SimulationFailure(
                    $"{call.Client} was told that nothing was published of {EntryText.Of(call.Command)}, "
                        + "but it was applied.");
            }
        }
        Verdict verdict = LinearizabilityChecker.Check(_history, Patience);
        if (verdict is not Verdict.Linearizable)
        {
            throw new SimulationFailure(verdict.ToString()!);
        }
    }

    // The reply's order names one command of the log: it has to be this one, with this answer.
    private void HoldAgainstLog(SimCall call, Reply reply, string answer)
    {
        LogOracle.Result? result = world.Oracle.ByOrder.GetValueOrDefault(reply.Order);
        if (result is null
            || EntryText.Of(result.Command) != EntryText.Of(call.Command)
            || result.Answer != answer
            || result.Revision != reply.Revision)
        {
            throw new SimulationFailure(
                $"{call.Client} was told '{answer}' (order {reply.Order}, revision {reply.Revision}) for "
                    + $"{EntryText.Of(call.Command)}; the log has there: "
                    + (result is null ? "nothing" : $"{EntryText.Of(result.Command)} -> '{result.Answer}' "
                        + $"(revision {result.Revision})"));
        }
        if (!_ordersAnswered.Add(reply.Order))
        {
            throw new SimulationFailure($"Two calls were answered with order {reply.Order}.");
        }
    }

    // What a linearizable read without a place of its own does: a barrier, then the node's own state.
    private void NoteBarrierRead(SimCall call, SimNode node)
    {
        if (!node.IsDead)
        {
            AddRead(
                call,
                call.Key,
                node.Follower.Store.Get(System.Text.Encoding.UTF8.GetBytes(call.Key)) is { } value
                    ? EntryText.Text(value)
                    : null);
        }
    }

    private void AddRead(SimCall call, string key, string? value) => Add(
        NewOperation(call) with
        {
            Kind = OperationKind.Get,
            Key = key,
            Read = value,
            ReturnedAt = world.Time.NowMs,
        });

    private void Add(Operation operation) => _history.Add(operation with { Id = _history.Count });

    private static Operation NewOperation(SimCall call) => new()
    {
        Id = 0,
        Client = call.Client,
        Kind = call.Command.Command switch
        {
            Command.Set => OperationKind.Put,
            Command.Del => OperationKind.Delete,
            _ => OperationKind.Get,
        },
        Key = call.Key,
        Value = call.Command.Command is Command.Set set ? EntryText.Text(set.Value) : null,
        CalledAt = call.CalledAtMs,
    };
}
