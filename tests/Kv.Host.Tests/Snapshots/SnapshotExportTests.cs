using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Grpc.Core;
using Grpc.Net.Client;
using Kv.Actors.Log.Embedded;
using Kv.Actors.Nodes;
using Kv.Actors.Publishing;
using Kv.Core.Entries;
using Kv.Core.Store;
using Kv.Files;
using Kv.Host.Etcd;
using Kv.Host.Grpc;
using Kv.Host.Nodes;
using Kv.Host.Settings;
using Kv.Protos.Internal.V1;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Kv.Host.Tests.Snapshots;

/// <summary>A node's state over gRPC: a real node behind a real server, and a real client.</summary>
public sealed class SnapshotExportTests : IAsyncLifetime
{
    private const int ContentBytesMax = 262_144;

    private readonly string _directory = Directory.CreateTempSubdirectory("kv-export-").FullName;
    private readonly ActorSystem _system = ActorSystem.Create("export", "akka.loglevel = WARNING");
    private readonly int _port = FreePort();
    private WebApplication _server = null!;
    private SqliteLog _log = null!;
    private LogNode _node = null!;

    [Fact]
    public async Task A_peer_takes_over_what_the_node_has()
    {
        await SetAsync("a", "1");
        await SetAsync("large", new string('x', 900_000));
        var files = new SnapshotFiles(Path.Combine(_directory, "peer"));

        (SnapshotFile file, KeyValueStore store) = await files.ReceiveAsync(
            PeerSnapshotClient.ExportAsync(
                "", Peer, clusterId: 0, offsetMin: 0, CancellationToken.None),
            static _ => null,
            CancellationToken.None);

        NodeStatus status = await _node.GetStatusAsync(CancellationToken.None);
        Assert.Equal((status.AppliedOffset, status.Digest), (file.Offset, store.Chain.ToString()));
        Assert.Equal(900_000, store.Get("large"u8)!.Value.Length);
    }

    [Fact]
    public async Task Chunks_are_bounded_and_the_first_says_what_comes()
    {
        await SetAsync("large", new string('x', 900_000));

        List<SnapshotChunk> chunks = await ExportAsync(new ExportRequest());

        NodeStatus status = await _node.GetStatusAsync(CancellationToken.None);
        Assert.All(chunks, static chunk => Assert.InRange(chunk.Content.Length, 1, ContentBytesMax));
        Assert.Equal(
            ("n1", status.ClusterId, status.AppliedOffset, status.Digest, false),
            (chunks[0].Heading.Node, chunks[0].Heading.ClusterId, chunks[0].Heading.Offset,
                chunks[0].Heading.Digest, chunks[0].Heading.Halted));
        Assert.All(chunks.Skip(1), static chunk => Assert.Null(chunk.Heading));
    }

    [Fact]
    public async Task What_would_be_of_no_use_is_refused_with_the_reason()
    {
        RpcException foreign = await RefusedAsync(new ExportRequest { ClusterId = "00000000000000ff" });
        RpcException tooOld = await RefusedAsync(new ExportRequest { OffsetMin = 1_000_000 });

        Assert.Equal(StatusCode.FailedPrecondition, foreign.StatusCode);
        Assert.Equal(StatusCode.FailedPrecondition, tooOld.StatusCode);
        Assert.Contains("1000000 was asked for", tooOld.Status.Detail);
    }

    [Fact]
    public async Task A_halted_node_answers_whoever_wants_a_halted_one()
    {
        await SetAsync("a", "1");
        await HaltAsync();

        RpcException refused = await RefusedAsync(new ExportRequest());
        List<SnapshotChunk> chunks = await ExportAsync(new ExportRequest { HaltedToo = true });

        Assert.Equal(StatusCode.FailedPrecondition, refused.StatusCode);
        Assert.True(chunks[0].Heading.Halted);
    }

    [Fact]
    public async Task A_node_that_has_nothing_yet_is_unavailable()
    {
        await using SqliteLog empty = SqliteLog.Open(Path.Combine(_directory, "empty"));
        LogNode node = await StartNodeAsync("n2", empty, mayFound: false);
        _server.Services.GetRequiredService<NodeSlots>().All[0].Fill(node);

        RpcException refused = await RefusedAsync(new ExportRequest());

        Assert.Equal(StatusCode.Unavailable, refused.StatusCode);
        await node.StopAsync(CancellationToken.None);
    }

    public async Task InitializeAsync()
    {
        _log = SqliteLog.Open(_directory);
        _node = await StartNodeAsync("n1", _log, mayFound: true);
        IConfiguration configuration = new ConfigurationBuilder()
            .AddInMemoryCollection([new("RPC_PORT", $"{_port}"), new("HTTP_PORT", "0"), new("NODE_ID", "n1")])
            .Build();
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(
            IPAddress.Loopback, _port, static options => options.Protocols = HttpProtocols.Http2));
        builder.Services.AddSingleton(new SettingsReader(configuration).Read());
        builder.Services.AddSingleton<NodeSlots>();
        builder.Services.AddSingleton(new AuthTokens(TimeProvider.System, TimeSpan.FromMinutes(5)));
        builder.Services.AddSingleton<AuthGate>();
        builder.Services.AddSingleton<SnapshotExportService>();
        builder.Services.AddGrpc();
        _server = builder.Build();
        _server.MapGrpcService<SnapshotExportService>();
        _server.Services.GetRequiredService<NodeSlots>().All[0].Fill(_node);
        await _server.StartAsync();
        await InStateAsync(NodeState.Ready);
    }

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        await _node.StopAsync(CancellationToken.None);
        await _log.DisposeAsync();
        await _system.Terminate();
        Directory.Delete(_directory, recursive: true);
    }

    private Uri Peer => new($"http://127.0.0.1:{_port}");

    private Task<LogNode> StartNodeAsync(string nodeId, SqliteLog log, bool mayFound) => LogNode.StartAsync(
        _system,
        new LogNodeOptions
        {
            NodeId = nodeId,
            Mode = ReplicationMode.Embedded,
            Log = log,
            Publisher = new PublisherOptions { MayFound = mayFound, FoundingDelayMs = 0 },
        });

    private Task<Reply> SetAsync(string key, string value) => _node.ExecuteAsync(
        new Command.Set(Utf8(key), Utf8(value)), requestId: null, CancellationToken.None);

    private static byte[] Utf8(string text) => System.Text.Encoding.UTF8.GetBytes(text);

    // An entry of ours that nobody can read.
    private async Task HaltAsync()
    {
        await _log.AppendAsync("KVLE damaged"u8.ToArray(), CancellationToken.None);
        await InStateAsync(NodeState.Halted);
    }

    private async Task InStateAsync(NodeState state)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while ((await _node.GetStatusAsync(patience.Token)).State != state)
        {
            patience.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    private async Task<List<SnapshotChunk>> ExportAsync(ExportRequest request)
    {
        using var channel = GrpcChannel.ForAddress(Peer);
        using AsyncServerStreamingCall<SnapshotChunk> call =
            new SnapshotService.SnapshotServiceClient(channel).Export(request);
        List<SnapshotChunk> chunks = [];
        await foreach (SnapshotChunk chunk in call.ResponseStream.ReadAllAsync())
        {
            chunks.Add(chunk);
        }
        return chunks;
    }

    private Task<RpcException> RefusedAsync(ExportRequest request) =>
        Assert.ThrowsAsync<RpcException>(() => ExportAsync(request));

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
