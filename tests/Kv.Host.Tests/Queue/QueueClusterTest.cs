using System.Text;
using Akka.Actor;
using Kv.Actors.Fanouts;
using Kv.Actors.Log.Amqp;
using Kv.Actors.Nodes;
using Kv.Actors.Presence;
using Kv.Actors.Queue;
using Kv.Core.Entries;
using Kv.Core.Store;
using Kv.Host.Tests.Amqp;
using Kv.Protos.Internal.V1;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit.Abstractions;

namespace Kv.Host.Tests.Queue;

/// <summary>Queue mode's nodes on a real broker, each with a gRPC port of its own.</summary>
public abstract class QueueClusterTest(RabbitMqBroker broker, ITestOutputHelper output)
    : AmqpTest(broker, output), IAsyncLifetime
{
    private readonly List<RunningNode> _running = [];

    protected ActorSystem Actors { get; } = ActorSystem.Create("queue", "akka.loglevel = WARNING");

    protected async Task<RunningNode> StartAsync(string id, bool isDurable = false)
    {
        RunningNode running = await RunningNode.StartAsync(Actors, Options, id, isDurable, Observe);
        _running.Add(running);
        await InTimeAsync(running.Node.Admitted);
        await WaitUntilReadyAsync(running);
        return running;
    }

    protected static Task WaitUntilReadyAsync(RunningNode running) => WaitUntilAsync(
        async () => (await running.Node.GetStatusAsync(default)).State == NodeState.Ready,
        $"{running.Node.NodeId} is ready");

    protected static async Task<Reply> SetAsync(RunningNode running, string key, string json)
    {
        using var deadline = new CancellationTokenSource(30_000);
        return await running.Node.ExecuteAsync(
            new Command.Set(Bytes(key), Bytes(json)), null, deadline.Token);
    }

    protected static async Task<string?> LocalAsync(RunningNode running, string key)
    {
        Reply.Got got = await running.Node.GetLocalAsync(Bytes(key), default);
        return got.Value is { } value ? Encoding.UTF8.GetString(value.Span) : null;
    }

    protected static Task WaitUntilEqualAsync(params RunningNode[] nodes) => WaitUntilAsync(
        async () =>
        {
            NodeStatus[] statuses = await Task.WhenAll(
                nodes.Select(running => running.Node.GetStatusAsync(default)));
            return statuses.All(status => status.State == NodeState.Ready)
                && statuses.DistinctBy(status => status.Digest).Count() == 1;
        },
        "all nodes have one digest");

    public new async Task DisposeAsync()
    {
        foreach (RunningNode running in _running) { await running.DisposeAsync(); }
        await Actors.Terminate();
        await base.DisposeAsync();
    }
}

/// <summary>A node and the server its peers reach it by.</summary>
public sealed class RunningNode : IAsyncDisposable
{
    private readonly WebApplication _server;

    private RunningNode(QueueNode node, WebApplication server) => (Node, _server) = (node, server);

    public QueueNode Node { get; }

    public static async Task<RunningNode> StartAsync(
        ActorSystem system, AmqpOptions options, string id, bool isDurable, Action<AmqpEvent> observe)
    {
        var state = new PeerStateOf();
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0").ConfigureKestrel(kestrel =>
            kestrel.ConfigureEndpointDefaults(endpoint => endpoint.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(state);
        WebApplication server = builder.Build();
        server.MapGrpcService<TestPeerService>();
        await server.StartAsync();
        string url = server.Services.GetRequiredService<IServer>().Features
            .Get<IServerAddressesFeature>()!.Addresses.First();
        var fanouts = new AmqpFanouts(
            options with { ClientName = id, WindowMax = 64 },
            [
                new AmqpQueue
                {
                    Exchange = options.ExchangeName,
                    DurableName = isDurable ? $"{options.ExchangeName}.{id}" : null,
                },
                new AmqpQueue { Exchange = $"{options.ExchangeName}.presence", IsExchangeDurable = false },
            ],
            observe);
        var nodeOptions = new QueueNodeOptions
        {
            NodeId = id,
            Url = url,
            SettleMs = 1_000,
            PullIntervalMs = 500,
            Presence = new PresenceOptions { IntervalMs = 250 },
        };
        state.Node = await QueueNode.StartAsync(system, nodeOptions, fanouts.Fanouts[0], fanouts.Fanouts[1],
            new GrpcPeerClient(options.ExchangeName));
        return new RunningNode(state.Node, server);
    }

    public async ValueTask DisposeAsync()
    {
        using var deadline = new CancellationTokenSource(10_000);
        await Node.StopAsync(deadline.Token);
        await _server.DisposeAsync();
    }

    /// <summary>
    /// What the service passes calls on to; the node exists only after its server's address.
    /// </summary>
    public sealed class PeerStateOf
    {
        public QueueNode? Node { get; set; }
    }

    /// <summary>As the host's service, for one node.</summary>
    public sealed class TestPeerService(PeerStateOf state) : PeerService.PeerServiceBase
    {
        public override async Task GetState(GetStateRequest request,
            global::Grpc.Core.IServerStreamWriter<StateChunk> responseStream,
            global::Grpc.Core.ServerCallContext context)
        {
            await foreach (StateChunk chunk in state.Node!.ExportAsync(request, context.CancellationToken))
            {
                await responseStream.WriteAsync(chunk);
            }
        }
    }
}
