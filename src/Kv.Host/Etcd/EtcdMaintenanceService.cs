using Google.Protobuf;
using Grpc.Core;
using Kv.Actors.Nodes;
using Kv.Actors.Store;
using Kv.Core.Entries;
using Kv.Core.Snapshots;
using Kv.Core.Store;
using Kv.Files;
using Kv.Host.Grpc;
using Kv.Protos.Etcd;

namespace Kv.Host.Etcd;

/// <summary>etcd's Maintenance service, as far as there is something to maintain.</summary>
internal sealed class EtcdMaintenanceService(EtcdEdge edge) : Maintenance.MaintenanceBase
{
    /// <summary>Content of one message of a snapshot, bytes.</summary>
    private const int BlobBytesMax = 65_536;

    public override async Task<AlarmResponse> Alarm(AlarmRequest request, ServerCallContext context)
    {
        StoreActor.KeyState state = await StateAsync(context);
        var message = new AlarmResponse { Header = edge.Header(context, state.Revision) };
        if (request.Action == AlarmRequest.Types.AlarmAction.Get)
        {
            message.Alarms.AddRange(state.Alarms
                .Where(alarm => request.Alarm == AlarmType.None || (int)alarm.Kind == (int)request.Alarm)
                .Select(ToMessage));
            return message;
        }
        if (request.Alarm is not (AlarmType.Nospace or AlarmType.Corrupt)
            || !Enum.IsDefined(request.Action))
        {
            throw ErrorTable.InvalidArgument(
                $"Alarm {request.Alarm} cannot be raised or cleared: NOSPACE and CORRUPT can.");
        }
        var alarm = new RaisedAlarm(request.MemberID, (AlarmKind)request.Alarm);
        bool raises = request.Action == AlarmRequest.Types.AlarmAction.Activate;
        await edge.ExecuteAsync(context, new Command.Alarm(alarm.MemberId, alarm.Kind, raises));
        if (raises || state.Alarms.Contains(alarm))
        {
            message.Alarms.Add(ToMessage(alarm));
        }
        return message;
    }

    public override async Task<StatusResponse> Status(StatusRequest request, ServerCallContext context)
    {
        LogNode node = edge.NodeOf(context);
        NodeStatus status = await NodeCalls.GuardAsync(context, node.GetStatusAsync);
        StoreActor.KeyState state = await StateAsync(context);
        var message = new StatusResponse
        {
            Header = EtcdEdge.Header(node, state.Revision),
            Version = EtcdEdge.ApiVersion,
            DbSize = state.Bytes,
            DbSizeInUse = state.Bytes,
            DbSizeQuota = node.QuotaBytes,
            Leader = EtcdClusterService.LeaderOf(status),
            RaftIndex = (ulong)state.AppliedOffset,
            RaftAppliedIndex = (ulong)state.AppliedOffset,
            RaftTerm = EtcdEdge.RaftTerm,
        };
        message.Errors.AddRange(state.Alarms.Select(static alarm =>
            $"memberID:{alarm.MemberId} alarm:{alarm.Kind.ToString().ToUpperInvariant()} "));
        message.Errors.AddRange(status.Alarms);
        return message;
    }

    /// <summary>There are no files with holes: what was compacted is let go by itself.</summary>
    public override async Task<DefragmentResponse> Defragment(
        DefragmentRequest request, ServerCallContext context)
    {
        edge.CheckRoot(context);
        return new() { Header = edge.Header(context, (await StateAsync(context)).Revision) };
    }

    public override async Task<HashResponse> Hash(HashRequest request, ServerCallContext context)
    {
        edge.CheckRoot(context);
        StoreActor.KeyState state = await StateAsync(context);
        return new HashResponse
        {
            Header = edge.Header(context, state.Revision),
            Hash = (uint)state.Contents.Low,
        };
    }

    public override async Task<HashKVResponse> HashKV(HashKVRequest request, ServerCallContext context)
    {
        edge.CheckRoot(context);
        LogNode node = edge.NodeOf(context);
        KeyView keys = await NodeCalls.GuardAsync(context, node.ViewKeysAsync);
        long revision = request.Revision == 0 ? keys.Revision : request.Revision;
        if (request.Revision > 0 && request.Revision <= keys.CompactedRevision)
        {
            throw new RpcException(EtcdErrors.Compacted);
        }
        if (revision > keys.Revision)
        {
            throw new RpcException(EtcdErrors.FutureRev);
        }
        return new HashKVResponse
        {
            Header = EtcdEdge.Header(node, keys.Revision),
            Hash = (uint)keys.HashAt(revision).Low,
            CompactRevision = keys.CompactedRevision,
            HashRevision = revision,
        };
    }

    /// <summary>Our snapshot, and what etcdctl wants behind one; <c>kv snapshot</c> reads both.</summary>
    public override async Task Snapshot(
        SnapshotRequest request,
        IServerStreamWriter<SnapshotResponse> responseStream,
        ServerCallContext context)
    {
        edge.CheckRoot(context);
        LogNode node = edge.NodeOf(context);
        (StoreCapture capture, _) = await NodeCalls.GuardAsync(context, node.CaptureAsync);
        ResponseHeader header = EtcdEdge.Header(node, capture.Header.Revision);
        // Equal bytes each time: the first pass only tells how many, so that what remains is the truth.
        long length = new SnapshotEncoder(capture).Chunks().Sum(static chunk => (long)chunk.Length);
        long remaining = length + SnapshotTrailer.LengthBehind(length);
        using var trailer = new SnapshotTrailer();
        foreach (ReadOnlyMemory<byte> chunk in new SnapshotEncoder(capture).Chunks())
        {
            trailer.Append(chunk.Span);
            await SendAsync(chunk);
        }
        await SendAsync(trailer.Take());

        async Task SendAsync(ReadOnlyMemory<byte> bytes)
        {
            for (int at = 0; at < bytes.Length; at += BlobBytesMax)
            {
                ReadOnlyMemory<byte> blob = bytes.Slice(at, Math.Min(BlobBytesMax, bytes.Length - at));
                remaining -= blob.Length;
                // The message is serialised before the write ends, and the bytes are ours until then.
                await responseStream.WriteAsync(
                    new SnapshotResponse
                    {
                        Header = header,
                        RemainingBytes = (ulong)remaining,
                        Blob = UnsafeByteOperations.UnsafeWrap(blob),
                        Version = EtcdEdge.ApiVersion,
                    },
                    context.CancellationToken);
            }
        }
    }

    /// <summary>No member leads: as etcd answers where the member asked is not the leader.</summary>
    public override Task<MoveLeaderResponse> MoveLeader(
        MoveLeaderRequest request, ServerCallContext context) =>
        throw new RpcException(EtcdErrors.NotLeader);

    public override Task<DowngradeResponse> Downgrade(DowngradeRequest request, ServerCallContext context) =>
        throw EtcdEdge.Unimplemented(
            "Maintenance.Downgrade: versions of this cluster only rise, by themselves, when all members "
                + "can.");

    private Task<StoreActor.KeyState> StateAsync(ServerCallContext context)
    {
        LogNode node = edge.NodeOf(context);
        return NodeCalls.GuardAsync(context, node.GetKeyStateAsync);
    }

    private static AlarmMember ToMessage(RaisedAlarm alarm) => new()
    {
        MemberID = alarm.MemberId,
        Alarm = (AlarmType)alarm.Kind,
    };
}
