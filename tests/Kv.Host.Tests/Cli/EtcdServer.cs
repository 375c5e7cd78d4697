using Kv.Cli.Calls;

namespace Kv.Host.Tests.Cli;

/// <summary>A real etcd of one member, from the PATH.</summary>
public sealed class EtcdServer : IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new();
    private readonly int _port = FreePorts.Take(2);
    private LoggedProcess _process = null!;

    public string Address => $"127.0.0.1:{_port}";

    public Task InitializeAsync() => StartAsync();

    public Task DisposeAsync()
    {
        _process.Dispose();
        _directory.Dispose();
        return Task.CompletedTask;
    }

    /// <summary>Ends it as a power cut would, and starts it again with what it had.</summary>
    public async Task RestartAsync()
    {
        _process.Dispose();
        await StartAsync();
    }

    internal Task<KvRun> RunAsync(params string[] arguments) =>
        KvProcess.RunAsync(["--target", Address, .. arguments]);

    internal Task<KvRun> PipeAsync(string input, params string[] arguments) => KvProcess.RunAsync(
        input, new Dictionary<string, string>(), ["--target", Address, .. arguments]);

    internal System.Diagnostics.Process Start(params string[] arguments) => KvProcess.Start(
        new Dictionary<string, string>(), ["--target", Address, .. arguments]);

    private async Task StartAsync()
    {
        string client = $"http://{Address}";
        string peer = $"http://127.0.0.1:{_port + 1}";
        _process = LoggedProcess.Start(
            "etcd",
            [
                "--name=one",
                $"--data-dir={Path.Combine(_directory.Path, "data")}",
                $"--listen-client-urls={client}",
                $"--advertise-client-urls={client}",
                $"--listen-peer-urls={peer}",
                $"--initial-advertise-peer-urls={peer}",
                $"--initial-cluster=one={peer}",
                "--logger=zap",
                "--log-level=error",
            ],
            [],
            _directory.Path);
        using var targets = new TargetSet([TargetAddress.Parse(Address)], TimeSpan.FromSeconds(5));
        await _process.AnswersAsync(async () => (await targets.AskAsync(
            isWrite: false,
            async (channel, options) => await new Protos.Etcd.KV.KVClient(channel).RangeAsync(
                new Protos.Etcd.RangeRequest { Key = Kv.Cli.Etcd.EtcdBytes.FromWord("ready", false) },
                options),
            CancellationToken.None)).Reply is not null);
    }
}
