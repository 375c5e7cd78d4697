using Grpc.Net.Client;
using Kv.Faults.Machine;
using Kv.Protos.V1;

namespace Kv.Faults.Checks;

/// <summary>Compares what the nodes hold, after all is mended and no client writes.</summary>
internal sealed class NodeChecks : IDisposable
{
    private const int EqualTimeoutMs = 60_000;
    private const int PollMs = 200;
    private const int PageKeys = 1_000;

    private readonly GrpcChannel[] _channels;
    private readonly KvService.KvServiceClient[] _nodes;

    public NodeChecks(IEnumerable<NodeProcess> nodes)
    {
        _channels = [.. nodes.Select(static node => GrpcChannel.ForAddress(node.RpcAddress))];
        _nodes = [.. _channels.Select(static channel => new KvService.KvServiceClient(channel))];
    }

    /// <summary>Commands that the store has applied, as the first node has it.</summary>
    public long Order { get; private set; }

    /// <summary>Waits until all nodes are at one offset with one digest.</summary>
    public async Task<CheckResult> DigestsAsync()
    {
        const string What = "All nodes have one digest, revision and order at one offset";
        long giveUpMs = Environment.TickCount64 + EqualTimeoutMs;
        while (true)
        {
            StatusReply[] all = await Task.WhenAll(_nodes.Select(static async node =>
                await node.StatusAsync(new StatusRequest(), deadline: InSeconds(20))));
            Order = all[0].Order;
            int different = all
                .Select(static s => (s.AppliedOffset, s.Digest, s.Revision, s.Order, s.Keys, s.State))
                .Distinct()
                .Count();
            if (different == 1 || Environment.TickCount64 > giveUpMs)
            {
                return new CheckResult(What, different == 1, string.Join("; ", all.Select(static s =>
                    $"{s.Node} {s.State} offset {s.AppliedOffset} digest {s.Digest} order {s.Order}")));
            }
            await Task.Delay(PollMs);
        }
    }

    /// <summary>Compares every key and value.</summary>
    public async Task<CheckResult> KeysAsync()
    {
        Dictionary<string, string>[] states = await Task.WhenAll(_nodes.Select(StateAsync));
        string[] different =
        [
            .. states.SelectMany(static state => state.Keys).Distinct().Where(key => states
                .Select(state => state.GetValueOrDefault(key)).Distinct().Count() > 1),
        ];
        return new CheckResult(
            "All nodes hold the same keys and values",
            different.Length == 0,
            different.Length == 0
                ? $"{states[0].Count} keys"
                : $"{different.Length} keys differ, such as {different[0]}");
    }

    public void Dispose()
    {
        foreach (GrpcChannel channel in _channels) { channel.Dispose(); }
    }

    private static async Task<Dictionary<string, string>> StateAsync(KvService.KvServiceClient node)
    {
        Dictionary<string, string> state = [];
        string after = "";
        while (true)
        {
            PrintReply page = await node.PrintAsync(
                new PrintRequest { After = after, Limit = PageKeys, Consistency = Consistency.Local },
                deadline: InSeconds(20));
            foreach (KeyValue entry in page.Entries) { state[entry.Key] = entry.ValueJson; }
            if (!page.More) { return state; }
            after = page.Entries[^1].Key;
        }
    }

    private static DateTime InSeconds(int seconds) => DateTime.UtcNow.AddSeconds(seconds);
}
