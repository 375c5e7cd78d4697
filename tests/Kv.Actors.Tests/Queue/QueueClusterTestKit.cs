using System.Text;
using Akka.Configuration;
using Akka.TestKit.Xunit2;
using Kv.Actors.Fanouts;
using Kv.Actors.Nodes;
using Kv.Actors.Presence;
using Kv.Actors.Queue;
using Kv.Core.Entries;
using Kv.Core.Merge;
using Kv.Core.Store;
using Xunit.Abstractions;

namespace Kv.Actors.Tests.Queue;

/// <summary>Nodes of queue mode on an exchange in memory, with short times.</summary>
public abstract class QueueClusterTestKit(ITestOutputHelper output)
    : TestKit(ConfigurationFactory.ParseString("akka.loglevel = INFO"), output: output)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    protected InMemoryExchange Commands { get; } = new();

    protected InMemoryExchange Presence { get; } = new();

    protected InMemoryPeers Peers { get; } = new();

    protected Dictionary<string, InMemoryFanout> CommandFanouts { get; } = [];

    protected Dictionary<string, InMemoryFanout> PresenceFanouts { get; } = [];

    protected static QueueNodeOptions OptionsOf(string id) => new()
    {
        NodeId = id,
        Url = $"http://{id}",
        Presence = new PresenceOptions
        {
            IntervalMs = 50,
            WhoWaitMs = 100,
            SilentMs = 1_000,
            ForgetMs = 600_000,
        },
        AloneAfterMs = 200,
        RepublishDelayMs = 50,
        SettleMs = 150,
        PullIntervalMs = 50,
        FloorDelayMs = 0,
    };

    protected async Task<QueueNode> StartAsync(
        string id, Func<QueueNodeOptions, QueueNodeOptions>? with = null)
    {
        QueueNodeOptions options = (with ?? (same => same))(OptionsOf(id));
        InMemoryFanout commands = Commands.Open(id);
        InMemoryFanout presence = Presence.Open(id);
        (CommandFanouts[id], PresenceFanouts[id]) = (commands, presence);
        QueueNode node = await QueueNode.StartAsync(Sys, options, commands, presence, Peers);
        Peers.Add(options.Url, node);
        return node;
    }

    protected async Task<QueueNode> StartReadyAsync(string id,
        Func<QueueNodeOptions, QueueNodeOptions>? with = null)
    {
        QueueNode node = await StartAsync(id, with);
        await node.Admitted.WaitAsync(Patience);
        await UntilAsync(async () => (await node.GetStatusAsync(default)).State == NodeState.Ready);
        return node;
    }

    protected static Task<Reply> SetAsync(QueueNode node, string key, string json, int timeoutMs = 20_000) =>
        ExecuteAsync(node, new Command.Set(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(json)),
            timeoutMs);

    protected static async Task<Reply> ExecuteAsync(QueueNode node, Command command, int timeoutMs = 20_000)
    {
        using var deadline = new CancellationTokenSource(timeoutMs);
        return await node.ExecuteAsync(command, null, deadline.Token);
    }

    protected static async Task<string?> LocalAsync(QueueNode node, string key)
    {
        Reply.Got got = await node.GetLocalAsync(Encoding.UTF8.GetBytes(key), default);
        return got.Value is { } value ? Encoding.UTF8.GetString(value.Span) : null;
    }

    protected static async Task<string> ContentsAsync(QueueNode node)
    {
        Reply.Printed printed = await node.PrintLocalAsync(default);
        return string.Join(' ', printed.View!.Scan(default, default).Select(entry =>
            $"{Encoding.UTF8.GetString(entry.Key.Span)}={Encoding.UTF8.GetString(entry.Value.Span)}"));
    }

    /// <summary>Publishes as a node of the original system: five fields, no headers.</summary>
    protected void PublishPlain(string command, string? key, string valueJson, string uuid)
    {
        string keyJson = key is null ? "null" : $"\"{key}\"";
        PublishRaw($$"""
            {"command_type": "{{command}}", "key": {{keyJson}}, "value": {{valueJson}},
             "sender_id": "python", "message_uuid": "{{uuid}}"}
            """);
    }

    protected void PublishRaw(string body) => Commands.Publish(
        new FanoutMessage(Encoding.UTF8.GetBytes(body), QueueMessageCodec.ContentType,
            FanoutMessage.NoHeaders));

    /// <summary>Waits for something that takes its time; polls, because nothing tells of it.</summary>
    protected async Task UntilAsync(Func<Task<bool>> condition) =>
        await AwaitConditionAsync(condition, Patience, TimeSpan.FromMilliseconds(10));
}
