using System.Diagnostics;
using Kv.Testing.Histories;
using Kv.Testing.Linearizability;
using static Kv.Actors.Tests.Linearizability.OneKey;

namespace Kv.Actors.Tests.Linearizability;

/// <summary>The checker against one that tries everything, and against the clock.</summary>
public sealed class RandomHistoryTests
{
    [Fact]
    public void On_tiny_random_histories_it_agrees_with_one_that_tries_every_order()
    {
        int good = 0;
        const int Histories = 30_000;
        for (int seed = 0; seed < Histories; seed++)
        {
            List<Operation> history = Tiny(new Random(seed));
            bool expected = BruteForce.IsLinearizable(history);
            good += expected ? 1 : 0;

            bool actual = Check(history) is Verdict.Linearizable;

            Assert.True(
                expected == actual,
                $"Seed {seed}: expected {expected}{Environment.NewLine}"
                    + string.Join(Environment.NewLine, history));
        }
        Assert.InRange(good, Histories / 10, Histories * 9 / 10);
    }

    [Theory]
    [InlineData(100, 0.0)]
    [InlineData(100, 0.02)]
    [InlineData(1, 0.002)]
    public void A_hundred_thousand_operations_are_checked_in_seconds(int keys, double unknown)
    {
        List<Operation> history = Register(new Random(1), 100_000, keys, clients: 16, unknown);
        long started = Stopwatch.GetTimestamp();

        Verdict verdict = LinearizabilityChecker.Check(history, TimeSpan.FromSeconds(60));

        Assert.IsType<Verdict.Linearizable>(verdict);
        Assert.InRange(Stopwatch.GetElapsedTime(started).TotalSeconds, 0, 30);
    }

    [Fact]
    public void One_wrong_read_among_a_hundred_thousand_operations_is_found()
    {
        List<Operation> history = Register(new Random(2), 100_000, keys: 100, clients: 16, unknown: 0.02);
        int wrong = history.FindLastIndex(static operation => operation is
        {
            Kind: OperationKind.Get,
            Read: not null,
        });
        history[wrong] = history[wrong] with { Read = "never written" };

        Verdict verdict = LinearizabilityChecker.Check(history, TimeSpan.FromSeconds(60));

        Assert.Contains(history[wrong], Assert.IsType<Verdict.Violated>(verdict).Stuck);
    }

    // Few values and short times, so that about half of the histories have an order.
    private static List<Operation> Tiny(Random random)
    {
        List<Operation> history = [];
        int count = random.Next(2, 7);
        string?[] values = [null, "1", "2"];
        for (int i = 0; i < count; i++)
        {
            long calledAt = random.Next(0, 12);
            bool isUnknown = random.Next(4) == 0;
            long returnedAt = isUnknown ? Operation.Never : calledAt + random.Next(0, 6);
            bool? succeeded = isUnknown ? null : random.Next(2) == 0;
            history.Add(random.Next(8) switch
            {
                < 3 => Get(values[random.Next(3)], calledAt, returnedAt),
                < 6 => Put(values[random.Next(1, 3)]!, calledAt, returnedAt),
                6 => Delete(succeeded, calledAt, returnedAt),
                _ => Swap(
                    values[random.Next(3)], values[random.Next(1, 3)]!, succeeded, calledAt, returnedAt),
            } with
            {
                Id = i,
            });
        }
        return history;
    }

    // A real register per key, used by clients whose calls overlap: linearizable by construction.
    private static List<Operation> Register(
        Random random, int operations, int keys, int clients, double unknown)
    {
        var state = new string?[keys];
        var freeAt = new long[clients];
        List<Operation> history = [];
        long now = 0;
        for (int i = 0; i < operations; i++)
        {
            // Takes effect now; was called before and returns later.
            now += 10;
            int client = random.Next(clients);
            if (freeAt[client] >= now)
            {
                continue;
            }
            int key = random.Next(keys);
            bool isUnknown = random.NextDouble() < unknown;
            bool takesEffect = !isUnknown || random.Next(2) == 0;
            long calledAt = Math.Max(freeAt[client] + 1, now - random.Next(100));
            long returnedAt = now + random.Next(100);
            freeAt[client] = returnedAt;
            Operation operation = Next(
                random, i, state[key], calledAt, isUnknown ? Operation.Never : returnedAt);
            if (takesEffect)
            {
                state[key] = operation.Kind switch
                {
                    OperationKind.Put => operation.Value,
                    OperationKind.Delete => null,
                    OperationKind.CompareAndSwap when operation.Expected == state[key] => operation.Value,
                    _ => state[key],
                };
            }
            history.Add(operation with { Id = i, Client = $"c{client}", Key = $"k{key}" });
        }
        return history;
    }

    private static Operation Next(Random random, int number, string? state, long calledAt, long returnedAt)
    {
        bool isUnknown = returnedAt == Operation.Never;
        string? expected = random.Next(2) == 0 ? state : "other";
        return random.Next(10) switch
        {
            < 5 => Get(state, calledAt, returnedAt),
            < 8 => Put($"v{number}", calledAt, returnedAt),
            8 => Delete(isUnknown ? null : state is not null, calledAt, returnedAt),
            _ => Swap(expected, $"v{number}", isUnknown ? null : expected == state, calledAt, returnedAt),
        };
    }
}
