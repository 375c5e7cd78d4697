using Kv.Testing.Brokers;
using Kv.Testing.Processes;

namespace Kv.Faults.Machine;

/// <summary>The brokers of one RabbitMQ cluster.</summary>
internal sealed class BrokerCluster : IAsyncDisposable
{
    private const int WholeTimeoutMs = 120_000;
    private const int WholePollMs = 500;

    private BrokerCluster(IReadOnlyList<string> names, IReadOnlyList<RabbitMqNode> nodes)
    {
        Names = names;
        Nodes = nodes;
    }

    /// <summary>Host names on the network, in the order of <see cref="Nodes"/>.</summary>
    public IReadOnlyList<string> Names { get; }

    public IReadOnlyList<RabbitMqNode> Nodes { get; }

    /// <summary>For AMQP_URL.</summary>
    public string Urls => string.Join(',', Nodes.Select(static node => node.Uri));

    /// <summary>Boots them, all at once, and waits until they have found each other.</summary>
    public static async Task<BrokerCluster> StartAsync(IReadOnlyList<string> names, Network network)
    {
        Seat[] seats = [.. names.Select(network.Of)];
        int epmdPort = FreePorts.Take(1);
        string members = names.Count == 1
            ? ""
            : "cluster_formation.peer_discovery_backend = classic_config\n" + string.Join('\n', names.Select(
                (name, i) => $"cluster_formation.classic_config.nodes.{i + 1} = {name}@{HostOf(seats[i])}"));
        string config = $"""
            loopback_users = none
            cluster_partition_handling = pause_minority
            {members}
            """;
        RabbitMqNode[] nodes =
        [
            .. names.Select((name, i) => new RabbitMqNode(new RabbitMqPlace
            {
                Name = name,
                Host = seats[i].Host,
                Address = seats[i].Address,
                Wrapper = seats[i].Wrapper,
                Config = config,
                EpmdPort = epmdPort,
            })),
        ];
        var cluster = new BrokerCluster(names, nodes);
        try
        {
            await Task.WhenAll(nodes.Select(static node => node.StartAsync()));
            await nodes[0].ControlAsync("await_online_nodes", $"{nodes.Length}", "--timeout", "60");
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
        return cluster;
    }

    /// <summary>Where the log's leader is.</summary>
    /// <param name="asked">A broker that answers.</param>
    public async Task<int> LeaderAsync(int asked)
    {
        string leader = (await Nodes[asked].ControlAsync("list_queues", "name", "leader"))
            .Split('\n')
            .Select(static line => line.Split('\t'))
            .Where(static fields => fields[0].EndsWith(".log", StringComparison.Ordinal))
            .Select(static fields => fields[1].Trim())
            .Single();
        int place = Nodes.ToList().FindIndex(node => node.Name == leader);
        return place >= 0 ? place : throw new InvalidOperationException($"No broker is called {leader}.");
    }

    /// <summary>Waits until every broker runs and holds its copy of the log.</summary>
    public Task WholeAsync() => Eventually.HoldsAsync("all brokers hold the log", async () =>
    {
        // Each question starts a program of its own, which takes seconds of a processor.
        await Task.Delay(WholePollMs);
        try
        {
            string answer = await Nodes[0].ControlAsync("list_queues", "name", "online");
            string? log = answer.Split('\n').FirstOrDefault(
                static line => line.Contains(".log\t", StringComparison.Ordinal));
            return log is not null && Nodes.All(node => log.Contains(node.Name, StringComparison.Ordinal));
        }
        catch (InvalidOperationException)
        {
            // It does not run yet, or has no quorum.
            return false;
        }
    }, WholeTimeoutMs);

    public async ValueTask DisposeAsync() =>
        await Task.WhenAll(Nodes.Select(static node => node.CleanAsync()));

    private static string HostOf(Seat seat) => seat.Host ?? "localhost";
}
