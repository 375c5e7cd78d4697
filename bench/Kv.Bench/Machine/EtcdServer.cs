using Grpc.Core;
using Grpc.Net.Client;
using Kv.Protos.Etcd;
using Kv.Testing.Processes;

namespace Kv.Bench.Machine;

/// <summary>One server that speaks etcd's protocol, alone: a real etcd, or a node of ours.</summary>
internal sealed class EtcdServer : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly int _port = FreePorts.Take(2);
    private readonly LoggedProcess _process;

    private EtcdServer(string name)
    {
        Name = name;
        _process = name == "etcd" ? LaunchEtcd() : LaunchNode();
    }

    public string Name { get; }

    /// <summary>What is compared, in the order it is run.</summary>
    public static IReadOnlyList<string> Names { get; } = ["etcd", "kv-host"];

    public static async Task<EtcdServer> StartAsync(string name)
    {
        var server = new EtcdServer(name);
        using GrpcChannel channel = server.Connect();
        await server._process.AnswersAsync(() => AnswersAsync(channel));
        return server;
    }

    /// <summary>A connection of its own.</summary>
    public GrpcChannel Connect() => GrpcChannel.ForAddress(
        $"http://127.0.0.1:{_port}", new GrpcChannelOptions { HttpHandler = new SocketsHttpHandler() });

    public void Dispose()
    {
        _process.Dispose();
        _directory.Dispose();
    }

    private static async Task<bool> AnswersAsync(GrpcChannel channel)
    {
        try
        {
            await new KV.KVClient(channel).RangeAsync(
                new RangeRequest { Key = Google.Protobuf.ByteString.CopyFromUtf8("ready") },
                deadline: DateTime.UtcNow.AddSeconds(2));
            return true;
        }
        catch (RpcException)
        {
            return false;
        }
    }

    private LoggedProcess LaunchEtcd()
    {
        string client = $"http://127.0.0.1:{_port}";
        string peer = $"http://127.0.0.1:{_port + 1}";
        return LoggedProcess.Start(
            "etcd",
            [
                "--name=bench",
                $"--data-dir={Path.Combine(_directory.Path, "data")}",
                $"--listen-client-urls={client}",
                $"--advertise-client-urls={client}",
                $"--listen-peer-urls={peer}",
                $"--initial-advertise-peer-urls={peer}",
                $"--initial-cluster=bench={peer}",
                "--logger=zap",
                "--log-level=error",
            ],
            [],
            _directory.Path);
    }

    private LoggedProcess LaunchNode() => LoggedProcess.Start(
        SourceTree.HostBinary,
        [],
        new Dictionary<string, string>
        {
            ["RPC_PORT"] = $"{_port}",
            ["HTTP_PORT"] = "0",
            ["KV_BIND_ADDRESS"] = "127.0.0.1",
            ["KV_DATA_DIR"] = Path.Combine(_directory.Path, "data"),
            ["LOG_LEVEL"] = "warning",
        },
        _directory.Path);
}
