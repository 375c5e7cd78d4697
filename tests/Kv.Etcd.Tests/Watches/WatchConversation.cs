using System.Globalization;
using Kv.Etcd.Tests.Systems;
using Kv.Protos.Etcd;
using FilterType = Kv.Protos.Etcd.WatchCreateRequest.Types.FilterType;

namespace Kv.Etcd.Tests.Watches;

/// <summary>A server, a stream, and what was said on it; revisions as writes since the start.</summary>
internal sealed class WatchConversation : IDisposable
{
    private readonly EtcdSystem _system;
    private readonly WatchClient _client;
    private readonly List<string> _lines = [];

    private WatchConversation(EtcdSystem system) => (_system, _client) = (system, new(system.Endpoint));

    public IReadOnlyList<string> Lines => _lines;

    public static async Task<WatchConversation> StartAsync(string name) =>
        new(await Candidates.StartAsync(name));

    public async Task CreateAsync(
        string key,
        string end = "",
        long id = 0,
        long from = 0,
        bool prevKv = false,
        bool fragment = false,
        FilterType[]? filters = null)
    {
        var create = new WatchCreateRequest
        {
            Key = Keys.Of(key),
            RangeEnd = Keys.Of(end),
            WatchId = id,
            StartRevision = from,
            PrevKv = prevKv,
            Fragment = fragment,
        };
        create.Filters.AddRange(filters ?? []);
        await _client.SendAsync(create);
        await HearAsync();
    }

    public async Task CancelAsync(long id)
    {
        await _client.CancelAsync(id);
        await HearAsync();
    }

    public Task CancelUnknownAsync(long id) => _client.CancelAsync(id);

    public async Task AskProgressAsync()
    {
        await _client.AskProgressAsync();
        await HearAsync();
    }

    public Task CompleteAsync() => _client.CompleteAsync();

    public async Task PutAsync(string key, string value) => await _system.Endpoint.Kv.PutAsync(
        new PutRequest { Key = Keys.Of(key), Value = Keys.Of(value) });

    public async Task DeleteAsync(string key, string end = "") =>
        await _system.Endpoint.Kv.DeleteRangeAsync(
            new DeleteRangeRequest { Key = Keys.Of(key), RangeEnd = Keys.Of(end) });

    public async Task TransactAsync(params RequestOp[] operations) =>
        await _system.Endpoint.Kv.TxnAsync(new TxnRequest { Success = { operations } });

    public async Task CompactAsync(long revision) => await _system.Endpoint.Kv.CompactAsync(
        new CompactionRequest { Revision = revision, Physical = true });

    public async Task HearAsync(int messages = 1)
    {
        for (int i = 0; i < messages; i++)
        {
            _lines.Add(Line(await _client.NextAsync()));
        }
    }

    public void Said(string expected) => Assert.Equal(expected, string.Join('\n', _lines));

    public void SaidInAnyOrder(string expected) => Assert.Equal(expected.Split('\n').Order(), _lines.Order());

    public void Dispose()
    {
        _client.Dispose();
        _system.Dispose();
    }

    private static string Line(WatchResponse reply)
    {
        string what = reply switch
        {
            { Created: true, Canceled: true } => $"created {reply.WatchId} canceled",
            { Created: true } => $"created {reply.WatchId}",
            { Canceled: true } => $"canceled {reply.WatchId}",
            { Events.Count: 0 } => $"progress {reply.WatchId}",
            { Fragment: true } => $"part of events {reply.WatchId}",
            _ => $"events {reply.WatchId}",
        };
        string revision = reply.Header.Revision == 0 ? "0" : Relative(reply.Header.Revision);
        string because = reply.CancelReason.Length > 0 ? $" because {reply.CancelReason}" : "";
        string compacted = reply.CompactRevision > 0 ? $" compacted {reply.CompactRevision}" : "";
        string events = reply.Events.Count > 0 ? $": {string.Join("; ", reply.Events.Select(Text))}" : "";
        return $"{what} at {revision}{because}{compacted}{events}";
    }

    private static string Text(Event e)
    {
        string key = Keys.Text(e.Kv.Key).Replace("\0", "#00", StringComparison.Ordinal);
        string state = e.Type == Event.Types.EventType.Delete ? $"DELETE {key}" : $"PUT {key}={Value(e.Kv)}";
        string before = e.PrevKv is { } previous ? $" before {Value(previous)}" : "";
        string created = e.Kv.CreateRevision == 0 ? "+0" : Relative(e.Kv.CreateRevision);
        return $"{state} {created}/{Relative(e.Kv.ModRevision)}/{e.Kv.Version}{before}";
    }

    private static string Value(KeyValue kv) => Keys.Text(kv.Value);

    private static string Relative(long revision) =>
        (revision - 1).ToString("+0", CultureInfo.InvariantCulture);
}
