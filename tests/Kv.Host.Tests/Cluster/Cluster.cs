using Grpc.Core;
using Kv.Host.Tests.Amqp;
using Kv.Host.Tests.Hosting;
using Kv.Protos.V1;

namespace Kv.Host.Tests.Cluster;

/// <summary>Three host processes, one node each, on one broker and an exchange of their own.</summary>
internal sealed class Cluster : IAsyncDisposable
{
    /// <summary>Longest wait for nodes to become equal, ms.</summary>
    private const int EqualTimeoutMs = 60_000;

    private Cluster(IReadOnlyList<HostProcess> nodes, string exchange)
    {
        Nodes = nodes;
        Exchange = exchange;
    }

    public IReadOnlyList<HostProcess> Nodes { get; }

    public string Exchange { get; }

    /// <param name="more">Further settings of all three.</param>
    public static async Task<Cluster> StartAsync(
        RabbitMqBroker broker, string mode, params IReadOnlyList<(string Name, string Value)> more)
    {
        string exchange = $"cluster-{mode}-{Guid.NewGuid():n}";
        HostProcess[] nodes = await Task.WhenAll(Enumerable.Range(1, 3).Select(i =>
        {
            Dictionary<string, string> settings = Settings(broker, mode, exchange, $"n{i}");
            foreach ((string name, string value) in more)
            {
                settings[name] = value;
            }
            return HostProcess.StartAsync(new HostStart { Environment = settings });
        }));
        return new Cluster(nodes, exchange);
    }

    public static Dictionary<string, string> Settings(
        RabbitMqBroker broker, string mode, string exchange, string nodeId) => new()
        {
            ["AMQP_URL"] = broker.Uri.ToString(),
            ["REPLICATION"] = mode,
            ["EXCHANGE_NAME"] = exchange,
            ["NODE_ID"] = nodeId,
            // A line for every command of three nodes is a lot of text to hold.
            ["LOG_LEVEL"] = "Warning",
        };

    /// <summary>
    /// Each node's client writes the same keys, 16 calls in flight. A call that fails is made again until it
    /// succeeds: what counts is that the nodes agree in the end.
    /// </summary>
    public Task WriteContendedAsync(int keys, string round, CancellationToken stop = default) =>
        Task.WhenAll(Nodes.SelectMany((node, client) =>
        {
            int next = -1;
            return Enumerable.Range(0, 16).Select(async _ =>
            {
                while (Interlocked.Increment(ref next) is var key && key < keys)
                {
                    await SetUntilDoneAsync(node, $"key-{key}", $"\"{round}-{client}-{key}\"", stop);
                }
            });
        }));

    /// <summary>Waits until all nodes hold the same keys and values, and returns those.</summary>
    public async Task<IReadOnlyDictionary<string, string>> EqualStateAsync()
    {
        using var deadline = new CancellationTokenSource(EqualTimeoutMs);
        string difference = "";
        // A node that has just found its broker again asks its peers before it serves.
        await Task.WhenAll(Nodes.Select(static node => node.ReadyAsync()));
        while (!deadline.IsCancellationRequested)
        {
            Dictionary<string, string>[] states = await Task.WhenAll(Nodes.Select(StateAsync));
            difference = Difference(states);
            if (difference.Length == 0)
            {
                return states[0];
            }
        }
        throw new TimeoutException(
            $"The nodes did not become equal within {EqualTimeoutMs} ms: {difference}");
    }

    public static async Task<Dictionary<string, string>> StateAsync(HostProcess node)
    {
        Dictionary<string, string> state = [];
        string after = "";
        while (true)
        {
            PrintReply page = await node.Kv().PrintAsync(
                new PrintRequest { After = after, Limit = 2_000, Consistency = Consistency.Local },
                deadline: DateTime.UtcNow.AddSeconds(20));
            foreach (KeyValue entry in page.Entries)
            {
                state[entry.Key] = entry.ValueJson;
            }
            if (!page.More)
            {
                return state;
            }
            after = page.Entries[^1].Key;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (HostProcess node in Nodes)
        {
            await node.DisposeAsync();
        }
    }

    private static async Task SetUntilDoneAsync(
        HostProcess node, string key, string value, CancellationToken stop)
    {
        while (true)
        {
            try
            {
                await node.Kv().SetAsync(
                    new SetRequest { Key = key, ValueJson = value },
                    deadline: DateTime.UtcNow.AddSeconds(10),
                    cancellationToken: stop);
                return;
            }
            catch (Exception failed) when (IsOfAKilledNode(failed))
            {
                // A pause, so as not to spin on a refused connection.
                await Task.Delay(20, stop);
            }
        }
    }

    // The channel of a process goes with it.
    private static bool IsOfAKilledNode(Exception failed) => failed is ObjectDisposedException or RpcException
    {
        StatusCode: StatusCode.Unavailable or StatusCode.DeadlineExceeded or StatusCode.Internal
            or StatusCode.Cancelled,
    };

    private static string Difference(Dictionary<string, string>[] states)
    {
        string[] different =
        [
            .. states.SelectMany(static state => state.Keys).Distinct().Where(key => states
                .Select(state => state.GetValueOrDefault(key)).Distinct().Count() > 1),
        ];
        return different.Length == 0
            ? ""
            : $"{different.Length} keys differ, such as {different[0]}: "
                + string.Join(", ", states.Select(state => state.GetValueOrDefault(different[0]) ?? "none"));
    }
}
