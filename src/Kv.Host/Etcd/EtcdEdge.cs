using Grpc.Core;
using Kv.Actors.Nodes;
using Kv.Core;
using Kv.Core.Entries;
using Kv.Core.Store;
using Kv.Host.Grpc;
using Kv.Host.Nodes;
using Kv.Host.Settings;
using Kv.Protos.Etcd;

namespace Kv.Host.Etcd;

/// <summary>What all of etcd's services share: the node, headers, and the store's errors as etcd's.</summary>
internal sealed class EtcdEdge(NodeSlots slots, HostSettings settings, AuthGate gate)
{
    /// <summary>
    /// The version of etcd's API that is served, as clients ask for it; our own is another.
    /// </summary>
    public const string ApiVersion = "3.4.23";

    /// <summary>
    /// Raft's term in every header. There is no raft here: one log, no elections.
    /// </summary>
    public const ulong RaftTerm = 1;

    /// <summary>Metadata in which a client may name a mutating call, see <see cref="RequestId"/>.</summary>
    public const string RequestIdKey = "request-id";

    /// <exception cref="RpcException">
    /// The node is not there yet, or its replication mode has no revisions.
    /// </exception>
    public LogNode NodeOf(ServerCallContext call)
    {
        NodeSlot slot = slots.Of(call.GetHttpContext());
        try
        {
            return slot.Node as LogNode ?? throw new KvException(
                KvError.UnsupportedInMode,
                "In queue mode there is no order of all writes, and so none of etcd's revisions: etcd's API "
                    + "is served in modes stream and embedded.");
        }
        catch (KvException error)
        {
            throw ErrorTable.ToRpc(error);
        }
    }

    /// <summary>Where clients reach the node that was called.</summary>
    public string UrlOf(ServerCallContext call) => settings.UrlOf(slots.Of(call.GetHttpContext()).RpcPort);

    public static RpcException Unimplemented(string what) =>
        new(new Status(StatusCode.Unimplemented, $"kv: not implemented: {what}"));

    public ResponseHeader Header(ServerCallContext call, long revision) => Header(NodeOf(call), revision);

    public static ResponseHeader Header(LogNode node, long revision) => new()
    {
        ClusterId = node.ClusterId,
        MemberId = Actors.Nodes.MemberId.Of(node.NodeId),
        Revision = revision,
        RaftTerm = RaftTerm,
    };

    /// <summary>Puts a command into the log and answers with its reply.</summary>
    /// <exception cref="RpcException">The store refused it, as etcd says it; or it has no answer.</exception>
    public async Task<Reply> ExecuteAsync(ServerCallContext call, Command command)
    {
        LogNode node = NodeOf(call);
        if (EntryCodec.CommandBytesMax(command) > KvLimits.RequestBytesMax)
        {
            throw new RpcException(EtcdErrors.RequestTooLarge);
        }
        var logged = new LoggedCommand(command, RequestIdOf(call), gate.PrincipalOf(call, node));
        return Accepted(await NodeCalls.GuardAsync(call, stop => node.ExecuteAsync(logged, stop)));
    }

    /// <summary>Answers a range or a transaction without writes.</summary>
    /// <inheritdoc cref="ExecuteAsync"/>
    public async Task<Reply> ReadAsync(ServerCallContext call, Command command, bool isSerializable)
    {
        LogNode node = NodeOf(call);
        return Accepted(await NodeCalls.GuardAsync(
            call, stop => node.ReadAsync(command, isSerializable, gate.PrincipalOf(call, node), stop)));
    }

    /// <summary>Who asks; null: the call has no token, or nobody is checked.</summary>
    /// <exception cref="RpcException">The token is not good.</exception>
    public Principal? PrincipalOf(ServerCallContext call) => gate.PrincipalOf(call, NodeOf(call));

    /// <summary>Passes where every key of the range may be read by whoever calls.</summary>
    /// <param name="rangeEnd">As <see cref="RangeQuery.RangeEnd"/>.</param>
    /// <exception cref="RpcException">
    /// As etcd says it; a watch gives the text as its cancel_reason.
    /// </exception>
    public void CheckRead(ServerCallContext call, ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> rangeEnd) =>
        Check(call, (node, who) => AuthGate.CheckRead(node, who, key, rangeEnd));

    /// <summary>Passes where every key of the range may be written by whoever calls.</summary>
    /// <inheritdoc cref="CheckRead"/>
    public void CheckWrite(ServerCallContext call, ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> rangeEnd) =>
        Check(call, (node, who) => AuthGate.CheckWrite(node, who, key, rangeEnd));

    /// <summary>Passes where a user calls that has the role root.</summary>
    /// <inheritdoc cref="CheckRead"/>
    public void CheckRoot(ServerCallContext call) => Check(call, AuthGate.CheckRoot);

    /// <summary>Passes where a user calls, whoever it is.</summary>
    /// <inheritdoc cref="CheckRead"/>
    public void CheckUser(ServerCallContext call) => Check(call, AuthGate.CheckUser);

    /// <summary>
    /// Passes where whoever calls may have a command that does not go into the log with a name.
    /// </summary>
    /// <inheritdoc cref="CheckRead"/>
    public async Task CheckAsync(ServerCallContext call, Command command)
    {
        LogNode node = NodeOf(call);
        if (node.Auth is { IsEnabled: false })
        {
            return;
        }
        Principal? who = gate.PrincipalOf(call, node);
        Require(await NodeCalls.GuardAsync(call, stop => node.CheckAsync(command, who, stop).AsTask()));
    }

    /// <summary>Permissions are checked at the node that was called.</summary>
    public bool ChecksUsers(ServerCallContext call) => NodeOf(call).Auth is { IsEnabled: true };

    /// <exception cref="RpcException">There is an error.</exception>
    public static void Require(StoreError? error)
    {
        if (error is { } refused)
        {
            throw new RpcException(StatusOf(refused));
        }
    }

    /// <summary>As etcd says it, code and text.</summary>
    public static Status StatusOf(StoreError error) => error switch
    {
        StoreError.KeyEmpty => EtcdErrors.EmptyKey,
        StoreError.RequestTooLarge => EtcdErrors.RequestTooLarge,
        StoreError.KeyNotFound => EtcdErrors.KeyNotFound,
        StoreError.ValueProvided => EtcdErrors.ValueProvided,
        StoreError.LeaseProvided => EtcdErrors.LeaseProvided,
        StoreError.DuplicateKey => EtcdErrors.DuplicateKey,
        StoreError.TooManyOperations => EtcdErrors.TooManyOps,
        StoreError.Compacted => EtcdErrors.Compacted,
        StoreError.FutureRevision => EtcdErrors.FutureRev,
        StoreError.LeaseNotFound => EtcdErrors.LeaseNotFound,
        StoreError.LeaseExists => EtcdErrors.LeaseExist,
        StoreError.LeaseTtlTooLarge => EtcdErrors.LeaseTTLTooLarge,
        StoreError.NoSpace => EtcdErrors.NoSpace,
        StoreError.Corrupt => EtcdErrors.Corrupt,
        StoreError.RootUserNotFound => EtcdErrors.RootUserNotExist,
        StoreError.RootRoleNotGranted => EtcdErrors.RootRoleNotExist,
        StoreError.UserExists => EtcdErrors.UserAlreadyExist,
        StoreError.UserNameEmpty => EtcdErrors.UserEmpty,
        StoreError.UserNotFound => EtcdErrors.UserNotFound,
        StoreError.RoleExists => EtcdErrors.RoleAlreadyExist,
        StoreError.RoleNameEmpty => EtcdErrors.RoleEmpty,
        StoreError.RoleNotFound => EtcdErrors.RoleNotFound,
        StoreError.RoleNotGranted => EtcdErrors.RoleNotGranted,
        StoreError.PermissionNotGranted => EtcdErrors.PermissionNotGranted,
        StoreError.PermissionDenied => EtcdErrors.PermissionDenied,
        StoreError.AuthRevisionOld => EtcdErrors.AuthOldRevision,
        StoreError.AuthChangeInvalid => EtcdErrors.InvalidAuthMgmt,
        _ => ErrorTable.ToRpc(error).Status,
    };

    private void Check(ServerCallContext call, Func<LogNode, Principal?, StoreError?> check)
    {
        LogNode node = NodeOf(call);
        Principal? who = gate.PrincipalOf(call, node);
        try
        {
            Require(check(node, who));
        }
        catch (KvException notReady)
        {
            throw ErrorTable.ToRpc(notReady);
        }
    }

    /// <exception cref="RpcException">The store refused it, as etcd says it.</exception>
    public static Reply Accepted(Reply reply) => reply is Reply.Refused refused
        ? throw new RpcException(StatusOf(refused.Error))
        : reply;

    /// <exception cref="RpcException">The client gave one that is none.</exception>
    public static RequestId? RequestIdOf(ServerCallContext call) =>
        call.RequestHeaders.GetValue(RequestIdKey) is not { } text ? null
        : RequestId.TryParse(text, out RequestId id) ? id
        : throw ErrorTable.InvalidArgument(
            $"The metadata {RequestIdKey} is not a request id: 32 hexadecimal digits, with a revision and a "
                + "dash before them if one is known.");
}
