using System.Diagnostics;
using Kv.Core.Store;
using Kv.Core.Watch;
using Kv.Protos.Etcd;
using FilterType = Kv.Protos.Etcd.WatchCreateRequest.Types.FilterType;

namespace Kv.Host.Etcd;

/// <summary>Messages of etcd's Watch service.</summary>
internal static class WatchMessages
{
    /// <returns>Null: a request without content, which etcd passes over.</returns>
    public static WatchDemand? ToDemand(WatchRequest request) => request.RequestUnionCase switch
    {
        WatchRequest.RequestUnionOneofCase.CreateRequest => ToDemand(request.CreateRequest),
        WatchRequest.RequestUnionOneofCase.CancelRequest => new WatchDemand.Cancel(
            request.CancelRequest.WatchId),
        WatchRequest.RequestUnionOneofCase.ProgressRequest => new WatchDemand.Progress(),
        _ => null,
    };

    public static WatchResponse ToMessage(WatchReply reply, ResponseHeader header)
    {
        var message = new WatchResponse { Header = header, WatchId = reply.Id };
        switch (reply.Kind)
        {
            case WatchReplyKind.Created:
                message.Created = true;
                break;
            case WatchReplyKind.Refused:
                message.Created = true;
                message.Canceled = true;
                message.CancelReason = reply.Why;
                break;
            case WatchReplyKind.Cancelled:
                message.Canceled = true;
                break;
            case WatchReplyKind.Compacted:
                message.Canceled = true;
                message.CompactRevision = reply.CompactedRevision;
                break;
            case WatchReplyKind.Events:
                message.Fragment = reply.IsFragment;
                message.Events.Capacity = reply.Events.Count;
                foreach (WatchEvent one in reply.Events)
                {
                    message.Events.Add(ToMessage(one, reply.WithPrevious));
                }
                break;
            case WatchReplyKind.Progress:
                break;
            default:
                throw new UnreachableException($"Unknown reply {reply.Kind}.");
        }
        return message;
    }

    private static WatchDemand ToDemand(WatchCreateRequest create)
    {
        bool noPuts = false;
        bool noDeletes = false;
        foreach (FilterType filter in create.Filters)
        {
            if (!Enum.IsDefined(filter))
            {
                return new WatchDemand.Refuse(create.WatchId, $"This server has no filter {filter}.");
            }
            noPuts |= filter == FilterType.Noput;
            noDeletes |= filter == FilterType.Nodelete;
        }
        return new WatchDemand.Create(
            create.WatchId,
            WatchedKeys.Of(create.Key.Memory, create.RangeEnd.Memory, noPuts, noDeletes),
            create.StartRevision,
            create.PrevKv,
            create.ProgressNotify,
            create.Fragment);
    }

    // One message for all watches: it is not changed once it is made.
    private static Event ToMessage(WatchEvent one, bool withPrevious)
    {
        if (withPrevious && one.Previous is { } previous)
        {
            return (Event)(one.FormWithPrevious ??= New(one.Record, previous));
        }
        return (Event)(one.Form ??= New(one.Record, null));
    }

    private static Event New(KeyRecord record, KeyRecord? previous)
    {
        var message = new Event
        {
            Type = record.IsDeleted ? Event.Types.EventType.Delete : Event.Types.EventType.Put,
            Kv = EtcdMessages.ToMessage(record),
        };
        if (previous is not null)
        {
            message.PrevKv = EtcdMessages.ToMessage(previous);
        }
        return message;
    }
}
