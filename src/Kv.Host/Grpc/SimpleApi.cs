using Grpc.Core;
using Kv.Actors.Nodes;
using Kv.Core;
using Kv.Core.Entries;
using Kv.Core.Store;
using Kv.Host.Etcd;
using Kv.Host.Nodes;

namespace Kv.Host.Grpc;

/// <summary>What both forms of the simple API (JSON and protobuf) do with a call once it is read.</summary>
internal sealed class SimpleApi(NodeSlots slots, AuthGate gate)
{
    /// <summary>What an answered write has behind it, as a word; empty in queue mode.</summary>
    public string AckOf(ServerCallContext call) =>
        SlotOf(call).NodeIfAny?.Ack?.ToString().ToLowerInvariant() ?? "";

    public NodeSlot SlotOf(ServerCallContext call) => slots.Of(call.GetHttpContext());

    /// <exception cref="RpcException">Whatever is not a reply, by the error table.</exception>
    public Task<Reply> SetAsync(
        ServerCallContext call, ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value, RequestId? requestId) =>
        ExecuteAsync(call, new Command.Set(key, value), requestId);

    /// <inheritdoc cref="SetAsync"/>
    public Task<Reply> DelAsync(ServerCallContext call, ReadOnlyMemory<byte> key, RequestId? requestId) =>
        ExecuteAsync(call, new Command.Del(key), requestId);

    /// <inheritdoc cref="SetAsync"/>
    public async Task<Reply.Got> GetAsync(
        ServerCallContext call, ReadOnlyMemory<byte> key, ReadMode mode)
    {
        if (mode == ReadMode.Linearizable)
        {
            return (Reply.Got)await ExecuteAsync(call, new Command.Get(key), requestId: null);
        }
        await PassBarrierAsync(call, mode);
        Principal? who = PrincipalOf(call);
        Reply.Got got = await GuardAsync(call, (node, stop) => node.GetLocalAsync(key, stop));
        return Permitted(got, AuthGate.CheckRead(SlotOf(call).Node, who, key, default));
    }

    /// <summary>
    /// All keys, for whoever may read those with the prefix. Which of them are given is the caller's choice.
    /// </summary>
    /// <inheritdoc cref="SetAsync"/>
    public async Task<Reply.Printed> PrintAsync(
        ServerCallContext call, ReadOnlyMemory<byte> prefix, ReadMode mode)
    {
        await PassBarrierAsync(call, mode);
        Principal? who = PrincipalOf(call);
        Reply.Printed printed = mode == ReadMode.Linearizable
            ? (Reply.Printed)await ExecuteAsync(call, new Command.Print(), requestId: null)
            : await GuardAsync(call, static (node, stop) => node.PrintLocalAsync(stop));
        // By the table of now: it is no older than what was read.
        return Permitted(printed, AuthGate.CheckRead(
            SlotOf(call).Node, who, prefix, KeyRange.PrefixEnd(prefix) ?? new byte[] { 0 }));
    }

    /// <inheritdoc cref="SetAsync"/>
    public Task<Reply> SetClusterSizeAsync(ServerCallContext call, int size) =>
        ExecuteAsync(call, new Command.ClusterSize(size), requestId: null);

    // Once the barrier was applied here, so was all that stands before it in the log. The publisher lets a
    // read join only a barrier that it has not handed to the log yet.
    private async Task PassBarrierAsync(ServerCallContext call, ReadMode mode)
    {
        if (mode == ReadMode.Barrier)
        {
            await ExecuteAsync(call, new Command.Barrier(), requestId: null);
        }
    }

    private async Task<Reply> ExecuteAsync(ServerCallContext call, Command command, RequestId? requestId)
    {
        // The store refuses it, too, but only after it went through the log to every node.
        if (RequestBytes(command) > KvLimits.RequestBytesMax)
        {
            throw ErrorTable.ToRpc(StoreError.RequestTooLarge);
        }
        Reply reply = await GuardAsync(call, (node, stop) => node.ExecuteAsync(
            new LoggedCommand(command, requestId, gate.PrincipalOf(call, node)), stop));
        return reply is Reply.Refused refused ? throw ErrorTable.ToRpc(refused.Error) : reply;
    }

    private Principal? PrincipalOf(ServerCallContext call) =>
        SlotOf(call).NodeIfAny is { } node ? gate.PrincipalOf(call, node) : null;

    private static TReply Permitted<TReply>(TReply reply, StoreError? denied) =>
        denied is { } error ? throw ErrorTable.ToRpc(error) : reply;

    private static int RequestBytes(Command command) => command switch
    {
        Command.Set set => set.Key.Length + set.Value.Length,
        Command.Get get => get.Key.Length,
        Command.Del del => del.Key.Length,
        _ => 0,
    };

    private Task<T> GuardAsync<T>(ServerCallContext call, Func<IKvNode, CancellationToken, Task<T>> ask) =>
        NodeCalls.GuardAsync(call, stop => ask(SlotOf(call).Node, stop));
}
