using System.Collections.Concurrent;
using System.Net;
using Grpc.Core;
using Kv.Protos.V1;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Kv.Host.Tests.Cli;

/// <summary>
/// A node as a client sees it: service kv.v1.KvService over a dictionary, on a port of its own, that can be
/// told to misbehave.
/// </summary>
internal sealed class FakeKvServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private FakeKvServer(WebApplication app, FakeNode node) => (_app, Node) = (app, node);

    public FakeNode Node { get; }

    public string Address => new Uri(_app.Urls.Single()).Authority;

    /// <param name="name">The node's name.</param>
    /// <param name="port">The port to listen on; 0 for any free one.</param>
    public static async Task<FakeKvServer> StartAsync(string name = "n1", int port = 0)
    {
        var node = new FakeNode(name);
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.SetMinimumLevel(LogLevel.None);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(
            IPAddress.Loopback, port, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddRoutingCore();
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(node);
        WebApplication app = builder.Build();
        app.Use((context, next) => node.AnswerInstead?.Invoke(context) ?? next(context));
        app.UseRouting();
        app.MapGrpcService<FakeKvService>();
        await app.StartAsync();
        return new FakeKvServer(app, node);
    }

    public async ValueTask DisposeAsync()
    {
        Node.Release();
        using var atOnce = new CancellationTokenSource(0);
        await _app.StopAsync(atOnce.Token);
        await _app.DisposeAsync();
    }
}

/// <summary>The state of a fake node, and its faults.</summary>
internal sealed class FakeNode(string name)
{
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _order;

    public string Name => name;

    /// <summary>Keys and their JSON, in order.</summary>
    public SortedDictionary<string, string> Store { get; } = new(StringComparer.Ordinal);

    /// <summary>Every call that arrived, such as <c>Set x</c>, whatever became of it.</summary>
    public ConcurrentQueue<string> Calls { get; } = [];

    /// <summary>Runs inside every call but STATUS, before the store is touched.</summary>
    public Func<ServerCallContext, Task>? Fault { get; set; }

    /// <summary>Answers every request before gRPC sees it, as a proxy would.</summary>
    public Func<HttpContext, Task>? AnswerInstead { get; set; }

    public ConcurrentQueue<Consistency> Consistencies { get; } = [];

    public long NextOrder() => Interlocked.Increment(ref _order);

    /// <summary>Every call fails with the status.</summary>
    public void Answer(StatusCode code, string detail) =>
        Fault = _ => throw new RpcException(new Status(code, detail));

    /// <summary>Every call is taken and never answered, until the server goes away.</summary>
    public void Hang() => Fault = context => Task.WhenAny(
        _released.Task, Task.Delay(Timeout.Infinite, context.CancellationToken));

    /// <summary>Every call is taken, and the connection then breaks.</summary>
    public void BreakConnection() => Fault = context =>
    {
        context.GetHttpContext().Features.Get<IConnectionLifetimeFeature>()!.Abort();
        return Task.Delay(Timeout.Infinite, context.CancellationToken);
    };

    /// <summary>Ends when the first call has arrived.</summary>
    public Task CallArrivedAsync() => _arrived.Task.WaitAsync(TimeSpan.FromSeconds(30));

    public Task EnterAsync(string call, ServerCallContext context)
    {
        Calls.Enqueue(call);
        _arrived.TrySetResult();
        return Fault?.Invoke(context) ?? Task.CompletedTask;
    }

    public void Release() => _released.TrySetResult();
}

internal sealed class FakeKvService(FakeNode node) : KvService.KvServiceBase
{
    public override async Task<SetReply> Set(SetRequest request, ServerCallContext context)
    {
        await node.EnterAsync($"Set {request.Key} {request.ValueJson}", context);
        lock (node.Store)
        {
            node.Store[request.Key] = request.ValueJson;
        }

        return new SetReply { Node = node.Name, Order = node.NextOrder(), Revision = 1 };
    }

    public override async Task<GetReply> Get(GetRequest request, ServerCallContext context)
    {
        await node.EnterAsync($"Get {request.Key}", context);
        node.Consistencies.Enqueue(request.Consistency);
        var reply = new GetReply { Node = node.Name, Order = node.NextOrder(), Revision = 1 };
        lock (node.Store)
        {
            reply.Found = node.Store.TryGetValue(request.Key, out string? value);
            reply.ValueJson = value ?? "";
        }

        return reply;
    }

    public override async Task<DelReply> Del(DelRequest request, ServerCallContext context)
    {
        await node.EnterAsync($"Del {request.Key}", context);
        lock (node.Store)
        {
            return new DelReply
            {
                Node = node.Name,
                Order = node.NextOrder(),
                Revision = 1,
                Deleted = node.Store.Remove(request.Key) ? 1 : 0,
            };
        }
    }

    public override async Task<PrintReply> Print(PrintRequest request, ServerCallContext context)
    {
        await node.EnterAsync($"Print {request.Prefix}", context);
        node.Consistencies.Enqueue(request.Consistency);
        var reply = new PrintReply { Node = node.Name, Order = node.NextOrder(), Revision = 1 };
        lock (node.Store)
        {
            KeyValue[] entries = [.. node.Store
                .Where(pair => pair.Key.StartsWith(request.Prefix, StringComparison.Ordinal)
                    && string.CompareOrdinal(pair.Key, request.After) > 0)
                .Select(pair => new KeyValue { Key = pair.Key, ValueJson = pair.Value })];
            int count = request.Limit == 0 ? entries.Length : (int)Math.Min(request.Limit, entries.Length);
            reply.Entries.AddRange(entries.Take(count));
            reply.More = count < entries.Length;
        }

        return reply;
    }

    public override Task<StatusReply> Status(StatusRequest request, ServerCallContext context)
    {
        node.Calls.Enqueue("Status");
        return Task.FromResult(new StatusReply
        {
            Node = node.Name,
            Mode = "embedded",
            State = "ready",
            Keys = node.Store.Count,
            Members = { new Member { Node = node.Name, State = "ready" } },
        });
    }
}
