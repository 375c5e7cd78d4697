namespace Kv.Faults.Machine;

/// <summary>A place on the <see cref="Network"/>.</summary>
/// <param name="Host">Its name, which the others resolve; null: this machine as it is.</param>
/// <param name="Address">Where it is reached.</param>
/// <param name="Wrapper">What runs a command there.</param>
internal sealed record Seat(string? Host, string Address, IReadOnlyList<string> Wrapper);

/// <summary>
/// Hosts with addresses of their own on one bridge, each a network namespace, so that links can be cut. The
/// runner has a namespace for itself and all of them, and the files it mounts: nothing of the machine's own
/// network is touched, and all of it is gone with the runner.
/// </summary>
/// <remarks>
/// A cut drops, silently and both ways, what goes between two hosts. It is made at one of them.
/// </remarks>
internal sealed class Network
{
    /// <summary>Set by who has started the runner with <c>unshare --net --mount</c>.</summary>
    private const string PrivateVariable = "KV_FAULTS_PRIVATE_NETWORK";

    private const string Prefix = "10.99.0.";
    private const int OwnNumber = 1;

    private readonly Dictionary<string, Seat> _seats = [];
    private readonly bool _canCut;

    private Network(bool canCut) => _canCut = canCut;

    /// <summary>Seats for all hosts.</summary>
    /// <param name="canCut">False: all of them on this machine as it is.</param>
    /// <exception cref="InvalidOperationException">The machine does not allow it.</exception>
    public static async Task<Network> CreateAsync(IReadOnlyList<string> hosts, bool canCut)
    {
        var network = new Network(canCut);
        if (canCut)
        {
            await network.SetUpAsync(hosts);
        }
        else
        {
            foreach (string host in hosts) { network._seats[host] = new Seat(null, "127.0.0.1", []); }
        }
        return network;
    }

    public Seat Of(string host) => _seats[host];

    /// <summary>Cuts a host from others.</summary>
    public async Task CutAsync(string host, IEnumerable<string> from)
    {
        foreach (string other in from)
        {
            await AtAsync(host, "iptables", "-A", "INPUT", "-s", _seats[other].Address, "-j", "DROP");
            await AtAsync(host, "iptables", "-A", "OUTPUT", "-d", _seats[other].Address, "-j", "DROP");
        }
    }

    /// <summary>Mends all links that were cut at a host.</summary>
    public Task MendAsync(string host) =>
        _canCut ? AtAsync(host, "iptables", "-F") : Task.CompletedTask;

    private static Task<string> AtAsync(string host, params string[] command) =>
        Shell.RunAsync(["ip", "netns", "exec", host, .. command]);

    private async Task SetUpAsync(IReadOnlyList<string> hosts)
    {
        if (Environment.GetEnvironmentVariable(PrivateVariable) != "1")
        {
            throw new InvalidOperationException(
                "This machine gives the runner no network of its own (unshare --net --mount failed).");
        }
        // Only this process and its children see these.
        Directory.CreateDirectory("/run/netns");
        await Shell.RunAsync("mount", "-t", "tmpfs", "kv-faults", "/run/netns");
        string names = Path.GetTempFileName();
        await File.WriteAllLinesAsync(names,
            ["127.0.0.1 localhost", .. hosts.Select((host, i) => $"{AddressOf(i)} {host}")]);
        await Shell.RunAsync("mount", "--bind", names, "/etc/hosts");
        File.Delete(names);
        await Shell.RunAsync("ip", "link", "set", "lo", "up");
        await Shell.RunAsync("ip", "link", "add", "br0", "type", "bridge", "mcast_snooping", "0");
        await Shell.RunAsync("ip", "link", "set", "br0", "up");
        await Shell.RunAsync("ip", "addr", "add", $"{Prefix}{OwnNumber}/24", "dev", "br0");
        for (int i = 0; i < hosts.Count; i++)
        {
            await AddAsync(hosts[i], AddressOf(i));
        }
    }

    private async Task AddAsync(string host, string address)
    {
        await Shell.RunAsync("ip", "netns", "add", host);
        await Shell.RunAsync(
            "ip", "link", "add", "eth0", "netns", host, "type", "veth", "peer", "name", $"to-{host}");
        await Shell.RunAsync("ip", "link", "set", $"to-{host}", "master", "br0", "up");
        await Shell.RunAsync("ip", "-n", host, "addr", "add", $"{address}/24", "dev", "eth0");
        await Shell.RunAsync("ip", "-n", host, "link", "set", "eth0", "up");
        await Shell.RunAsync("ip", "-n", host, "link", "set", "lo", "up");
        // Erlang asks for the host's name, too.
        string[] wrapper =
        [
            "ip", "netns", "exec", host, "unshare", "--uts", "sh", "-c",
            $"echo {host} > /proc/sys/kernel/hostname && exec \"$0\" \"$@\"",
        ];
        _seats[host] = new Seat(host, address, wrapper);
        await MendAsync(host);
    }

    private static string AddressOf(int index) => $"{Prefix}{OwnNumber + 10 + index}";
}
