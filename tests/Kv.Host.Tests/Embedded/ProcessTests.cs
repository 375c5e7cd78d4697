using Kv.Host.Tests.Hosting;
using Kv.Protos.V1;

namespace Kv.Host.Tests.Embedded;

public sealed class ProcessTests
{

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
