using System.Diagnostics;
using Grpc.Core;
using Kv.Actors.Nodes;
using Kv.Core;
using Kv.Core.Store;

namespace Kv.Host.Grpc;

/// <summary>The one table from the store's and the node's errors to gRPC statuses.</summary>
internal static class ErrorTable
{
    public static RpcException ToRpc(KvException error) => new(new Status(Code(error.Code), error.Message));

    public static RpcException ToRpc(StoreError error) => error switch
    {
        StoreError.KeyEmpty => Rpc(StatusCode.InvalidArgument, "The key is empty."),
        StoreError.RequestTooLarge => Rpc(
            StatusCode.ResourceExhausted,
            $"Key and value have more than {KvLimits.RequestBytesMax} bytes together."),
        StoreError.RequestIdExpired => Rpc(
            StatusCode.FailedPrecondition,
            "The request id is older than what the cluster remembers; it may have been applied. Read "
            + "before trying again with a new id."),
        StoreError.RequestIdReused => Rpc(
            StatusCode.InvalidArgument, "The request id was used before for another command."),
        StoreError.ClusterSizeOutOfRange => Rpc(
            StatusCode.InvalidArgument, $"A cluster has 1 to {KvLimits.ClusterSizeMax} members."),
        StoreError.ClusterVersionLower => Rpc(
            StatusCode.FailedPrecondition, "The cluster has a newer version already and never goes back."),
        StoreError.SnapshotAhead => Rpc(
            StatusCode.InvalidArgument, "The snapshot claims more of the log than there is."),
        StoreError.ResultNotKept => Rpc(
            StatusCode.FailedPrecondition,
            "The request was applied before; its result had records of keys, which are not kept for a "
            + "repetition. Read."),
        StoreError.NoSpace => Rpc(
            StatusCode.ResourceExhausted,
            "The alarm NOSPACE is raised: the store is at its quota. Compact and delete, then clear the "
            + "alarm."),
        StoreError.Corrupt => Rpc(
            StatusCode.DataLoss, "The alarm CORRUPT is raised: members disagree about the contents."),
        StoreError.TooManyLeases => Rpc(
            StatusCode.ResourceExhausted, $"There are {KvLimits.LeasesMax} leases already."),
        StoreError.UserNameEmpty => Rpc(
            StatusCode.Unauthenticated,
            "This cluster asks who calls: send a token of etcd's Authenticate as the metadata token."),
        StoreError.PermissionDenied or StoreError.UserNotFound => Rpc(
            StatusCode.PermissionDenied, "The user may not do this with these keys."),
        StoreError.AuthRevisionOld => Rpc(
            StatusCode.Unauthenticated, "The user changed meanwhile: authenticate again."),
        StoreError.AuthTableFull => Rpc(
            StatusCode.ResourceExhausted,
            $"Users and roles have more than {KvLimits.AuthBytesMax} bytes together, or a name more than "
            + $"{KvLimits.AuthNameBytesMax}."),
        // The others answer commands that the simple API does not have.
        _ => throw new UnreachableException($"Store error {error} is none of the simple API."),
    };

    public static RpcException InvalidArgument(string message) => Rpc(StatusCode.InvalidArgument, message);

    public static RpcException ResourceExhausted(string message) =>
        Rpc(StatusCode.ResourceExhausted, message);

    private static RpcException Rpc(StatusCode code, string message) => new(new Status(code, message));

    private static StatusCode Code(KvError error) => error switch
    {
        KvError.NotReady
            or KvError.LogUnavailable
            or KvError.Stopping
            or KvError.DeadlineBeforePublish => StatusCode.Unavailable,
        KvError.OutcomeUnknown or KvError.NotPersisted => StatusCode.DeadlineExceeded,
        KvError.Overloaded or KvError.LogFull => StatusCode.ResourceExhausted,
        // As etcd answers under its CORRUPT alarm.
        KvError.Halted or KvError.Diverged => StatusCode.DataLoss,
        KvError.UnsupportedInMode => StatusCode.FailedPrecondition,
        _ => throw new UnreachableException($"Unknown error {error}."),
    };
}
