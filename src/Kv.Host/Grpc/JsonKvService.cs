using System.Buffers;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;
using Kv.Actors.Nodes;
using Kv.Core.Store;

namespace Kv.Host.Grpc;

/// <summary>
/// kv.KvService: the original wire, gRPC calls whose messages are JSON. There is no descriptor for it, so
/// reflection does not list it; kv.v1.KvService is the same in protobuf.
/// </summary>
internal sealed class JsonKvService(SimpleApi api)
{
    private const string KeyMissing = "The key is missing or empty.";

    public async Task<byte[]> Set(byte[] request, ServerCallContext call)
    {
        string node = api.SlotOf(call).NodeId;
        JsonRequest fields = Read(request);
        ReadOnlyMemory<byte> key = fields.Bytes("key");
        if (key.IsEmpty)
        {
            return JsonReply.Error(node, KeyMissing);
        }
        return fields.Raw("value") is { } value
            ? JsonReply.Set(node, await api.SetAsync(call, key, value, fields.RequestId()), api.AckOf(call))
            : JsonReply.Error(node, "The value is missing.");
    }

    public async Task<byte[]> Get(byte[] request, ServerCallContext call)
    {
        string node = api.SlotOf(call).NodeId;
        JsonRequest fields = Read(request);
        ReadOnlyMemory<byte> key = fields.Bytes("key");
        return key.IsEmpty
            ? JsonReply.Error(node, KeyMissing)
            : JsonReply.Get(node, await api.GetAsync(call, key, fields.ReadMode()));
    }

    public async Task<byte[]> Del(byte[] request, ServerCallContext call)
    {
        string node = api.SlotOf(call).NodeId;
        JsonRequest fields = Read(request);
        ReadOnlyMemory<byte> key = fields.Bytes("key");
        return key.IsEmpty
            ? JsonReply.Error(node, KeyMissing)
            : JsonReply.Del(
                node, (Reply.Removed)await api.DelAsync(call, key, fields.RequestId()), api.AckOf(call));
    }

    public async Task<byte[]> Print(byte[] request, ServerCallContext call)
    {
        JsonRequest fields = Read(request);
        ReadOnlyMemory<byte> prefix = fields.Bytes("prefix");
        ReadOnlyMemory<byte> after = fields.Bytes("after");
        long limit = fields.Count("limit") ?? 0;
        Reply.Printed printed = await api.PrintAsync(call, prefix, fields.ReadMode());
        NodeStatus status = await api.SlotOf(call).GetStatusAsync(call.CancellationToken);
        return JsonReply.Print(status, printed, prefix, after, limit);
    }

    private static JsonRequest Read(byte[] request) => JsonRequest.Parse(new ReadOnlySequence<byte>(request));

    /// <summary>Binds the service by hand: its methods are made here, not generated.</summary>
    public sealed class MethodProvider : IServiceMethodProvider<JsonKvService>
    {
        private static readonly Marshaller<byte[]> Bytes = Marshallers.Create(
            static (bytes, context) => context.Complete(bytes),
            static context => context.PayloadAsNewBuffer());

        public void OnServiceMethodDiscovery(ServiceMethodProviderContext<JsonKvService> context)
        {
            Add(context, "Set", static (service, request, call) => service.Set(request, call));
            Add(context, "Get", static (service, request, call) => service.Get(request, call));
            Add(context, "Del", static (service, request, call) => service.Del(request, call));
            Add(context, "Print", static (service, request, call) => service.Print(request, call));
        }

        private static void Add(
            ServiceMethodProviderContext<JsonKvService> context,
            string name,
            UnaryServerMethod<JsonKvService, byte[], byte[]> handler) =>
            context.AddUnaryMethod(
                new Method<byte[], byte[]>(
                    MethodType.Unary, "kv.KvService", name, Bytes, Bytes), [], handler);
    }
}
