using System.Reflection;
using System.Text;
using System.Text.Unicode;
using Grpc.Core;
using Kv.Actors.Nodes;
using Kv.Core.Store;
using Kv.Protos.V1;

namespace Kv.Host.Grpc;

/// <summary>kv.v1.KvService: the simple API in protobuf, and as HTTP/JSON by transcoding.</summary>
internal sealed class ProtoKvService(SimpleApi api) : KvService.KvServiceBase
{
    private static readonly string ProductVersion =
        typeof(ProtoKvService).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()
            ?.InformationalVersion.Split('+')[0] ?? "unknown";

    public override async Task<SetReply> Set(SetRequest request, ServerCallContext context)
    {
        byte[] value = Encoding.UTF8.GetBytes(request.ValueJson.Trim(' ', '\t', '\r', '\n'));
        if (!JsonText.IsJson(value))
        {
            throw ErrorTable.InvalidArgument(
                "value_json is not JSON. Text is written as a JSON string: \"\\\"hello\\\"\".");
        }
        Reply reply = await api.SetAsync(context, Key(request.Key), value, requestId: null);
        return new SetReply
        {
            Node = NodeOf(context),
            Order = reply.Order,
            Revision = reply.Revision,
            Ack = api.AckOf(context),
        };
    }

    public override async Task<GetReply> Get(GetRequest request, ServerCallContext context)
    {
        Reply.Got got = await api.GetAsync(context, Key(request.Key), ModeOf(request.Consistency));
        var reply = new GetReply
        {
            Node = NodeOf(context),
            Order = got.Order,
            Revision = got.Revision,
            Found = got.Value is not null,
        };
        if (got.Value is { } value)
        {
            (reply.ValueJson, reply.ValueIsBase64) = JsonText.Show(value.Span);
        }
        return reply;
    }

    public override async Task<DelReply> Del(DelRequest request, ServerCallContext context)
    {
        var removed = (Reply.Removed)await api.DelAsync(context, Key(request.Key), requestId: null);
        return new DelReply
        {
            Node = NodeOf(context),
            Order = removed.Order,
            Revision = removed.Revision,
            Deleted = removed.Deleted,
            Ack = api.AckOf(context),
        };
    }

    public override async Task<PrintReply> Print(PrintRequest request, ServerCallContext context)
    {
        if (request.Limit < 0)
        {
            throw ErrorTable.InvalidArgument($"limit is {request.Limit}; it must be at least 0.");
        }
        byte[] prefix = Encoding.UTF8.GetBytes(request.Prefix);
        Reply.Printed printed = await api.PrintAsync(context, prefix, ModeOf(request.Consistency));
        var reply = new PrintReply
        {
            Node = NodeOf(context),
            Order = printed.Order,
            Revision = printed.Revision,
        };
        if (request.WithStatus)
        {
            reply.Status = Show(await api.SlotOf(context).GetStatusAsync(context.CancellationToken));
        }
        // The flag "more" may follow.
        long bytes = reply.CalculateSize() + 2;
        foreach ((ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value) in PrintPage.Take(
            printed.View!,
            prefix,
            Encoding.UTF8.GetBytes(request.After),
            request.Limit,
            () => reply.More = true))
        {
            KeyValue entry = Show(key.Span, value.Span);
            bytes += entry.CalculateSize() + 8;
            PrintPage.CheckSize(bytes);
            reply.Entries.Add(entry);
        }
        return reply;
    }

    public override async Task<StatusReply> Status(StatusRequest request, ServerCallContext context) =>
        Show(await api.SlotOf(context).GetStatusAsync(context.CancellationToken));

    public override async Task<SetClusterSizeReply> SetClusterSize(
        SetClusterSizeRequest request, ServerCallContext context)
    {
        Reply reply = await api.SetClusterSizeAsync(context, request.Size);
        return new SetClusterSizeReply { Node = NodeOf(context), Revision = reply.Revision };
    }

    private static ReadOnlyMemory<byte> Key(string key) => key.Length > 0
        ? Encoding.UTF8.GetBytes(key)
        : throw ErrorTable.InvalidArgument("The key is empty.");

    private static ReadMode ModeOf(Consistency consistency) => consistency switch
    {
        Consistency.Unspecified or Consistency.Linearizable => ReadMode.Linearizable,
        Consistency.Barrier => ReadMode.Barrier,
        Consistency.Local => ReadMode.Local,
        _ => throw ErrorTable.InvalidArgument(
            $"consistency is {(int)consistency}; it must be LINEARIZABLE, BARRIER or LOCAL."),
    };

    private string NodeOf(ServerCallContext context) => api.SlotOf(context).NodeId;

    private static KeyValue Show(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        (string text, bool isBase64) = JsonText.Show(value);
        bool keyIsText = Utf8.IsValid(key);
        return new KeyValue
        {
            Key = keyIsText ? Encoding.UTF8.GetString(key) : Convert.ToBase64String(key),
            KeyIsBase64 = !keyIsText,
            ValueJson = text,
            ValueIsBase64 = isBase64,
        };
    }

    private static Protos.V1.LogStatus Show(Actors.Nodes.LogStatus log) => new()
    {
        ClusterVersion = log.ClusterVersion,
        ClusterSize = log.ClusterSize,
        CoveredOffset = log.CoveredOffset,
        UncoveredBytes = log.UncoveredBytes,
        Skipped = log.Skips,
        SkippedOffsets = { log.SkippedOffsets },
    };

    private static StatusReply Show(NodeStatus status) => new()
    {
        Node = status.NodeId,
        Mode = Word(status.Mode),
        State = Word(status.State),
        Reason = status.Reason,
        ClusterId = status.ClusterId,
        AppliedOffset = status.AppliedOffset,
        Revision = status.Revision,
        Order = status.Order,
        Keys = status.Keys,
        Digest = status.Digest,
        Version = ProductVersion,
        Alarms = { status.Alarms },
        Lag = status.Lag,
        Log = status.Log is { } log ? Show(log) : null,
        Members = { status.Members.Select(member => Show(member, status.LagOf(member))) },
    };

    private static Member Show(MemberStatus member, long lag) => new()
    {
        ClusterId = member.ClusterId,
        Lag = lag,
        Node = member.NodeId,
        Url = member.Url,
        Mode = Word(member.Mode),
        State = Word(member.State),
        AppliedOffset = member.AppliedOffset,
        Revision = member.Revision,
        Digest = member.Digest,
        LastSeenMs = member.LastSeenMs,
    };

    private static string Word<TEnum>(TEnum value)
        where TEnum : struct, Enum => value.ToString().ToLowerInvariant();
}
