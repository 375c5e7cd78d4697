using System.Net;
using System.Net.Sockets;
using Kv.Host.Settings;

namespace Kv.Host;

/// <summary>
/// <c>kv-host health</c>: asks the nodes that run here under the same settings whether they are ready. It is
/// for container health checks: nothing of the host is started, no option is parsed.
/// </summary>
internal static class HealthProbe
{
    public const string Verb = "health";

    /// <summary>Not ready, not there, or unreadable settings: all the same to a health check.</summary>
    private const int Unhealthy = 1;

    /// <summary>Longest wait for one node's answer, ms; below the 20 s the image gives the probe.</summary>
    private const int AnswerMsMax = 5_000;

    public static async Task<int> RunAsync()
    {
        HostSettings settings;
        try
        {
            settings = HostCommand.ReadSettings([]);
        }
        catch (Exception wrong) when (wrong is SettingException or InvalidDataException)
        {
            Console.WriteLine(wrong.Message);
            return Unhealthy;
        }
        // Asked on the gRPC port, which exists in every set-up; an HTTP port need not.
        using var client = new HttpClient
        {
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Timeout = TimeSpan.FromMilliseconds(AnswerMsMax),
        };
        for (int i = 0; i < settings.NodeIds.Count; i++)
        {
            var url = new UriBuilder("http", Host(settings.BindAddress), settings.RpcPort + i, "readyz");
            if (!await IsReadyAsync(client, settings.NodeIds[i], url.Uri))
            {
                return Unhealthy;
            }
        }
        return ExitCodes.Ok;
    }

    private static async Task<bool> IsReadyAsync(HttpClient client, string nodeId, Uri url)
    {
        try
        {
            using HttpResponseMessage answer = await client.GetAsync(url);
            Console.Write($"{nodeId} {await answer.Content.ReadAsStringAsync()}");
            return answer.IsSuccessStatusCode;
        }
        catch (Exception failure) when (failure is HttpRequestException or OperationCanceledException)
        {
            Console.WriteLine($"{nodeId} does not answer at {url}: {failure.Message}");
            return false;
        }
    }

    /// <summary>Where something that listens on the address is reached from this machine.</summary>
    private static string Host(string bindAddress)
    {
        if (!IPAddress.TryParse(bindAddress, out IPAddress? address)
            || address.Equals(IPAddress.Any)
            || address.Equals(IPAddress.IPv6Any))
        {
            return "localhost";
        }
        return address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{address}]" : $"{address}";
    }
}
