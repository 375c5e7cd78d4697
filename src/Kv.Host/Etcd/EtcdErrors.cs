using Grpc.Core;

namespace Kv.Host.Etcd;

/// <summary>
/// What etcd answers when it refuses: gRPC code and exact text, which clients compare. From etcd 3.4 and 3.5,
/// api/v3rpc/rpctypes/error.go, the names without their ErrGRPC; the two that are newer are InvalidSortOption
/// and InvalidClientApiVersion (3.6). <c>throw new RpcException(EtcdErrors.EmptyKey)</c>; a watch gives the
/// text alone as its cancel_reason.
/// </summary>
internal static class EtcdErrors
{
    // Keys and revisions.
    public static Status EmptyKey { get; } = new(
        StatusCode.InvalidArgument, "etcdserver: key is not provided");
    public static Status KeyNotFound { get; } = new(StatusCode.InvalidArgument, "etcdserver: key not found");
    public static Status ValueProvided { get; } = new(
        StatusCode.InvalidArgument, "etcdserver: value is provided");
    public static Status LeaseProvided { get; } = new(
        StatusCode.InvalidArgument, "etcdserver: lease is provided");
    public static Status TooManyOps { get; } = new(
        StatusCode.InvalidArgument, "etcdserver: too many operations in txn request");
    public static Status DuplicateKey { get; } = new(
        StatusCode.InvalidArgument, "etcdserver: duplicate key given in txn request");
    public static Status InvalidClientApiVersion { get; } = new(
        StatusCode.InvalidArgument, "etcdserver: invalid client api version");
    public static Status InvalidSortOption { get; } = new(
        StatusCode.InvalidArgument, "etcdserver: invalid sort option");
    public static Status Compacted { get; } = new(
        StatusCode.OutOfRange, "etcdserver: mvcc: required revision has been compacted");
    public static Status FutureRev { get; } = new(
        StatusCode.OutOfRange, "etcdserver: mvcc: required revision is a future revision");
    public static Status NoSpace { get; } = new(
        StatusCode.ResourceExhausted, "etcdserver: mvcc: database space exceeded");

    // Leases.
    public static Status LeaseNotFound { get; } = new(
        StatusCode.NotFound, "etcdserver: requested lease not found");
    public static Status LeaseExist { get; } = new(
        StatusCode.FailedPrecondition, "etcdserver: lease already exists");
    public static Status LeaseTTLTooLarge { get; } = new(
        StatusCode.OutOfRange, "etcdserver: too large lease TTL");

    // Locks and elections: errors of etcd's client library, which the server uses itself and passes on
    // without a code. From client/v3/concurrency and server/etcdserver/api/v3election.
    public static Status SessionExpired { get; } = new(StatusCode.Unknown, "mutex: session is expired");
    public static Status ElectionNotLeader { get; } = new(StatusCode.Unknown, "election: not leader");
    public static Status ElectionNoLeader { get; } = new(StatusCode.Unknown, "election: no leader");
    public static Status MissingLeaderKey { get; } = new(
        StatusCode.Unknown, "\"leader\" field must be provided");

    // Watches.
    public static Status WatchCanceled { get; } = new(StatusCode.Cancelled, "etcdserver: watch canceled");

    // Members.
    public static Status MemberExist { get; } = new(
        StatusCode.FailedPrecondition, "etcdserver: member ID already exist");
    public static Status PeerURLExist { get; } = new(
        StatusCode.FailedPrecondition, "etcdserver: Peer URLs already exists");
    public static Status MemberNotEnoughStarted { get; } = new(
        StatusCode.FailedPrecondition,
        "etcdserver: re-configuration failed due to not enough started members");
    public static Status MemberBadURLs { get; } = new(
        StatusCode.InvalidArgument, "etcdserver: given member URLs are invalid");
    public static Status MemberNotFound { get; } = new(StatusCode.NotFound, "etcdserver: member not found");
    public static Status MemberNotLearner { get; } = new(
        StatusCode.FailedPrecondition, "etcdserver: can only promote a learner member");
    public static Status LearnerNotReady { get; } = new(
        StatusCode.FailedPrecondition,
        "etcdserver: can only promote a learner member which is in sync with leader");
    public static Status TooManyLearners { get; } = new(
        StatusCode.FailedPrecondition, "etcdserver: too many learner members in cluster");
    public static Status ClusterIdMismatch { get; } = new(
        StatusCode.FailedPrecondition, "etcdserver: cluster ID mismatch");

    // Load.
    public static Status RequestTooLarge { get; } = new(
        StatusCode.InvalidArgument, "etcdserver: request is too large");
    public static Status RequestTooManyRequests { get; } = new(
        StatusCode.ResourceExhausted, "etcdserver: too many requests");

    // Users, roles and permissions.
    public static Status RootUserNotExist { get; } = new(
        StatusCode.FailedPrecondition, "etcdserver: root user does not exist");
    public static Status RootRoleNotExist { get; } = new(
        StatusCode.FailedPrecondition, "etcdserver: root user does not have root role");
    public static Status UserAlreadyExist { get; } = new(
        StatusCode.FailedPrecondition, "etcdserver: user name already exists");
    public static Status UserEmpty { get; } = new(
        StatusCode.InvalidArgument, "etcdserver: user name is empty");
    public static Status UserNotFound { get; } = new(
        StatusCode.FailedPrecondition, "etcdserver: user name not found");
    public static Status RoleAlreadyExist { get; } = new(
        StatusCode.FailedPrecondition, "etcdserver: role name already exists");
    public static Status RoleNotFound { get; } = new(
        StatusCode.FailedPrecondition, "etcdserver: role name not found");
    public static Status RoleEmpty { get; } = new(
        StatusCode.InvalidArgument, "etcdserver: role name is empty");
    public static Status AuthFailed { get; } = new(
        StatusCode.InvalidArgument, "etcdserver: authentication failed, invalid user ID or password");
    public static Status NoPasswordUser { get; } = new(
        // etcd's table of errors has it not, and so it goes out as it is.
        StatusCode.Unknown, "auth: authentication failed, password was given for no password user");
    public static Status PermissionNotGiven { get; } = new(
        StatusCode.InvalidArgument, "etcdserver: permission not given");
    public static Status PermissionDenied { get; } = new(
        StatusCode.PermissionDenied, "etcdserver: permission denied");
    public static Status RoleNotGranted { get; } = new(
        StatusCode.FailedPrecondition, "etcdserver: role is not granted to the user");
    public static Status PermissionNotGranted { get; } = new(
        StatusCode.FailedPrecondition, "etcdserver: permission is not granted to the role");
    public static Status AuthNotEnabled { get; } = new(
        StatusCode.FailedPrecondition, "etcdserver: authentication is not enabled");
    public static Status InvalidAuthToken { get; } = new(
        StatusCode.Unauthenticated, "etcdserver: invalid auth token");
    public static Status InvalidAuthMgmt { get; } = new(
        StatusCode.InvalidArgument, "etcdserver: invalid auth management");
    public static Status AuthOldRevision { get; } = new(
        StatusCode.InvalidArgument, "etcdserver: revision of auth store is old");

    // The cluster.
    public static Status NoLeader { get; } = new(StatusCode.Unavailable, "etcdserver: no leader");
    public static Status NotLeader { get; } = new(StatusCode.FailedPrecondition, "etcdserver: not leader");
    public static Status LeaderChanged { get; } = new(StatusCode.Unavailable, "etcdserver: leader changed");
    public static Status NotCapable { get; } = new(StatusCode.Unavailable, "etcdserver: not capable");
    public static Status Stopped { get; } = new(StatusCode.Unavailable, "etcdserver: server stopped");
    public static Status Timeout { get; } = new(StatusCode.Unavailable, "etcdserver: request timed out");
    public static Status TimeoutDueToLeaderFail { get; } = new(
        StatusCode.Unavailable, "etcdserver: request timed out, possibly due to previous leader failure");
    public static Status TimeoutDueToConnectionLost { get; } = new(
        StatusCode.Unavailable, "etcdserver: request timed out, possibly due to connection lost");
    public static Status TimeoutWaitAppliedIndex { get; } = new(
        StatusCode.Unavailable, "etcdserver: request timed out, waiting for the applied index took too long");
    public static Status Unhealthy { get; } = new(StatusCode.Unavailable, "etcdserver: unhealthy cluster");
    public static Status Corrupt { get; } = new(StatusCode.DataLoss, "etcdserver: corrupt cluster");
    public static Status NotSupportedForLearner { get; } = new(
        StatusCode.Unavailable, "etcdserver: rpc not supported for learner");
    public static Status BadLeaderTransferee { get; } = new(
        StatusCode.FailedPrecondition, "etcdserver: bad leader transferee");

    // Downgrades (3.5).
    public static Status ClusterVersionUnavailable { get; } = new(
        StatusCode.Unavailable, "etcdserver: cluster version not found during downgrade");
    public static Status WrongDowngradeVersionFormat { get; } = new(
        StatusCode.InvalidArgument, "etcdserver: wrong downgrade target version format");
    public static Status InvalidDowngradeTargetVersion { get; } = new(
        StatusCode.InvalidArgument, "etcdserver: invalid downgrade target version");
    public static Status DowngradeInProcess { get; } = new(
        StatusCode.FailedPrecondition, "etcdserver: cluster has a downgrade job in progress");
    public static Status NoInflightDowngrade { get; } = new(
        StatusCode.FailedPrecondition, "etcdserver: no inflight downgrade job");

    // The call itself (3.5).
    public static Status Canceled { get; } = new(StatusCode.Cancelled, "etcdserver: request canceled");
    public static Status DeadlineExceeded { get; } = new(
        StatusCode.DeadlineExceeded, "etcdserver: context deadline exceeded");

    /// <summary>
    /// As etcd's lock and election services pass on what the store refused: the text, and no code. What is
    /// this node's own trouble keeps its code, so that clients go on elsewhere.
    /// </summary>
    public static RpcException WithinServer(RpcException refused) =>
        refused.Status.Detail.StartsWith("etcdserver: ", StringComparison.Ordinal)
            ? new RpcException(new Status(StatusCode.Unknown, refused.Status.Detail))
            : refused;
}
