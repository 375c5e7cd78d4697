using Kv.Protos.Etcd;

namespace Kv.Etcd.Tests.Systems;

/// <summary>A real etcd of one member, from the PATH.</summary>
internal static class EtcdProcess
{
    public static Task<EtcdSystem> StartAsync() => EtcdSystem.StartAsync(Launch, AnswersAsync);

    private static LoggedProcess Launch(int port, string directory)
    {
        string client = $"http://127.0.0.1:{port}";
        string peer = $"http://127.0.0.1:{port + 1}";
        return LoggedProcess.Start(
            "etcd",
            [
                "--name=reference",
                $"--data-dir={Path.Combine(directory, "data")}",
                $"--listen-client-urls={client}",
                $"--advertise-client-urls={client}",
                $"--listen-peer-urls={peer}",
                $"--initial-advertise-peer-urls={peer}",
                $"--initial-cluster=reference={peer}",
                "--logger=zap",
                "--log-level=error",
            ],
            [],
            directory);
    }

    // Linearizable: there is a leader.
    private static async Task<bool> AnswersAsync(EtcdEndpoint endpoint) =>
        await endpoint.AskAsync(new RangeRequest { Key = Keys.Of("ready") }) is Answer.Reply;
}
