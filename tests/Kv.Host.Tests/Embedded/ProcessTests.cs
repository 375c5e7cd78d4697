using Kv.Host.Tests.Hosting;
using Kv.Protos.V1;

namespace Kv.Host.Tests.Embedded;

public sealed class ProcessTests
{
    [Fact]
    public async Task A_second_process_on_the_same_data_directory_is_refused_by_exit_code_3()
    {
        await using HostProcess host = await HostProcess.StartAsync();
        int port = FreePorts.Take(2);

        HostRun second = await HostRun.ToEndAsync(new Dictionary<string, string>
        {
            ["KV_DATA_DIR"] = host.DataDirectory,
            ["RPC_PORT"] = $"{port}",
            ["HTTP_PORT"] = $"{port + 1}",
        });

        Assert.Equal(3, second.ExitCode);
        Assert.Contains("KV_DATA_DIR (--data-dir)", second.Output + second.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_suspended_process_goes_on_when_it_is_resumed()
    {
        await using HostProcess host = await HostProcess.StartAsync();
        await host.SuspendAsync();
        Task<SetReply> set = host.Kv().SetAsync(new SetRequest { Key = "a", ValueJson = "1" }).ResponseAsync;

        host.Resume();

        Assert.True((await set).Order > 0);
    }
}
