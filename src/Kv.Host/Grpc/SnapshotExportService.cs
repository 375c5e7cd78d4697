using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Kv.Actors.Nodes;
using Kv.Core.Auth;
using Kv.Core.Snapshots;
using Kv.Host.Etcd;
using Kv.Host.Nodes;
using Kv.Host.Settings;
using Kv.Protos.Internal.V1;

namespace Kv.Host.Grpc;

/// <summary>
/// Streams a node's state out, straight from memory: no disk is needed, and a halted node answers, too.
/// </summary>
internal sealed class SnapshotExportService(NodeSlots slots, AuthGate gate, HostSettings settings)
    : SnapshotService.SnapshotServiceBase
{
    /// <summary>Most exports at once in this process: each keeps the state of its moment in memory.</summary>
    private const int ExportsMax = 4;

    /// <summary>Content of one message, bytes.</summary>
    private const int ContentBytesMax = 262_144;

    private int _exports;

    public override async Task Export(
        ExportRequest request, IServerStreamWriter<SnapshotChunk> stream, ServerCallContext context)
    {
        try
        {
            if (Interlocked.Increment(ref _exports) > ExportsMax)
            {
                throw Refused(
                    StatusCode.ResourceExhausted, $"{ExportsMax} exports are under way; try again later.");
            }
            NodeSlot slot = slots.Of(context.GetHttpContext());
            (StoreCapture capture, bool isHalted) = await CaptureAsync(slot, context.CancellationToken);
            CheckAsker(context, capture.Auth);
            Check(request, capture.Header, isHalted);
            await WriteAsync(capture, Heading(slot, capture.Header, isHalted), stream, context);
        }
        finally
        {
            Interlocked.Decrement(ref _exports);
        }
    }

    // By the table that is given out: a node that halted at its start has no other.
    private void CheckAsker(ServerCallContext context, AuthTable table)
    {
        if (settings.PeerKey.Length > 0
            && context.RequestHeaders.GetValue(PeerSnapshotClient.PeerKeyName) is { } key
            && CryptographicOperations.FixedTimeEquals(
                Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(settings.PeerKey)))
        {
            return;
        }
        if (AuthRules.CheckRoot(table, gate.PrincipalOf(context, table)) is { } denied)
        {
            throw ErrorTable.ToRpc(denied);
        }
    }

    private static async Task<(StoreCapture Capture, bool IsHalted)> CaptureAsync(
        NodeSlot slot, CancellationToken stopping)
    {
        try
        {
            return slot.Node is LogNode node
                ? await node.CaptureAsync(stopping)
                : throw Refused(
                    StatusCode.Unimplemented,
                    "A node in queue mode has no snapshot: it has no place in a log.");
        }
        catch (KvException error)
        {
            throw ErrorTable.ToRpc(error);
        }
    }

    private static void Check(ExportRequest request, SnapshotHeader header, bool isHalted)
    {
        string clusterId = ClusterText(header);
        string? objection = 0 switch
        {
            _ when request.ClusterId.Length > 0 && request.ClusterId != clusterId =>
                $"This node is of cluster {clusterId}, not {request.ClusterId}.",
            _ when header.AppliedOffset < request.OffsetMin =>
                $"This node is at offset {header.AppliedOffset}; {request.OffsetMin} was asked for.",
            _ when isHalted && !request.HaltedToo => "This node has halted.",
            _ => null,
        };
        if (objection is not null)
        {
            throw Refused(StatusCode.FailedPrecondition, objection);
        }
    }

    private static async Task WriteAsync(
        StoreCapture capture,
        SnapshotHeading heading,
        IServerStreamWriter<SnapshotChunk> stream,
        ServerCallContext context)
    {
        SnapshotHeading? first = heading;
        foreach (ReadOnlyMemory<byte> chunk in new SnapshotEncoder(capture).Chunks())
        {
            for (int at = 0; at < chunk.Length; at += ContentBytesMax)
            {
                ReadOnlyMemory<byte> content = chunk.Slice(at, Math.Min(ContentBytesMax, chunk.Length - at));
                // The message is serialised before the write ends, and the bytes are ours until then.
                var message = new SnapshotChunk { Content = UnsafeByteOperations.UnsafeWrap(content) };
                message.Heading = first;
                first = null;
                await stream.WriteAsync(message, context.CancellationToken);
            }
        }
    }

    private static SnapshotHeading Heading(NodeSlot slot, SnapshotHeader header, bool isHalted) => new()
    {
        Node = slot.NodeId,
        ClusterId = ClusterText(header),
        Offset = header.AppliedOffset,
        Revision = header.Revision,
        Digest = header.Chain.ToString(),
        Halted = isHalted,
    };

    private static string ClusterText(SnapshotHeader header) => header.Genesis.ClusterId.ToString("x16");

    private static RpcException Refused(StatusCode code, string why) => new(new Status(code, why));
}
