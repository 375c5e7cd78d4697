using System.Globalization;
using System.Net;

namespace Kv.Etcd.Tests.Systems;

/// <summary>One node of ours in embedded mode, from the kv-host built together with these tests.</summary>
internal static class KvNodeProcess
{
    public static async Task<EtcdSystem> StartAsync()
    {
        using var http = new HttpClient();
        return await EtcdSystem.StartAsync(Launch, endpoint => IsReadyAsync(http, endpoint));
    }

    private static LoggedProcess Launch(int port, string directory) => LoggedProcess.Start(
        SourceTree.HostBinary,
        [],
        new Dictionary<string, string>
        {
            ["RPC_PORT"] = $"{port}",
            ["HTTP_PORT"] = $"{port + 1}",
            ["KV_BIND_ADDRESS"] = "127.0.0.1",
            ["KV_DATA_DIR"] = Path.Combine(directory, "data"),
            ["LOG_LEVEL"] = "warning",
        },
        directory);

    private static async Task<bool> IsReadyAsync(HttpClient http, EtcdEndpoint endpoint)
    {
        int port = int.Parse(endpoint.Target.Split(':')[1], CultureInfo.InvariantCulture);
        try
        {
            using HttpResponseMessage answer = await http.GetAsync($"http://127.0.0.1:{port + 1}/readyz");
            return answer.StatusCode == HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
