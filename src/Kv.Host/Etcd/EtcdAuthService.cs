using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;
using Kv.Actors.Nodes;
using Kv.Core;
using Kv.Core.Auth;
using Kv.Core.Entries;
using Kv.Core.Store;
using Kv.Protos.Etcd;

namespace Kv.Host.Etcd;

/// <summary>etcd's Auth service: users, roles and tokens.</summary>
internal sealed class EtcdAuthService(EtcdEdge edge, AuthTokens tokens, AuthPasswords passwords)
    : Auth.AuthBase
{
    public override async Task<AuthEnableResponse> AuthEnable(
        AuthEnableRequest request, ServerCallContext context) => new()
    {
        Header = await ChangeAsync(
            context, new AuthChange.Enable(RandomNumberGenerator.GetBytes(KvLimits.TokenKeyBytes))),
    };

    public override async Task<AuthDisableResponse> AuthDisable(
        AuthDisableRequest request, ServerCallContext context) => new()
    {
        Header = await ChangeAsync(context, new AuthChange.Disable()),
    };

    public override async Task<AuthStatusResponse> AuthStatus(
        AuthStatusRequest request, ServerCallContext context)
    {
        (AuthTable table, ResponseHeader header) = await ReadAsync(context);
        return new AuthStatusResponse
        {
            Header = header,
            Enabled = table.IsEnabled,
            AuthRevision = (ulong)table.Revision,
        };
    }

    public override async Task<AuthenticateResponse> Authenticate(
        AuthenticateRequest request, ServerCallContext context)
    {
        (AuthTable table, ResponseHeader header) = await ReadAsync(context);
        if (!table.IsEnabled)
        {
            throw new RpcException(EtcdErrors.AuthNotEnabled);
        }
        AuthUser? user = table.Users.GetValueOrDefault(request.Name);
        if (user is { HasNoPassword: true })
        {
            throw new RpcException(EtcdErrors.NoPasswordUser);
        }
        // Should the password change meanwhile, the token that this makes is void already.
        return await passwords.FitsAsync(request.Password, user?.PasswordHash, context.CancellationToken)
            ? new AuthenticateResponse { Header = header, Token = tokens.Issue(table, user!) }
            : throw new RpcException(EtcdErrors.AuthFailed);
    }

    public override async Task<AuthUserAddResponse> UserAdd(
        AuthUserAddRequest request, ServerCallContext context)
    {
        bool hasNoPassword = request.Options?.NoPassword ?? false;
        ReadOnlyMemory<byte> hash = hasNoPassword || request.Name.Length == 0
            ? default
            : await HashAsync(request.Password, context);
        return new AuthUserAddResponse
        {
            Header = await ChangeAsync(context, new AuthChange.UserAdd(request.Name, hash, hasNoPassword)),
        };
    }

    public override async Task<AuthUserGetResponse> UserGet(
        AuthUserGetRequest request, ServerCallContext context)
    {
        (AuthTable table, ResponseHeader header) = await ReadAsync(context);
        Principal? who = edge.PrincipalOf(context);
        if (who?.User != request.Name)
        {
            EtcdEdge.Require(AuthRules.CheckRoot(table, who));
        }
        return table.Users.TryGetValue(request.Name, out AuthUser? user)
            ? new AuthUserGetResponse { Header = header, Roles = { user.Roles } }
            : throw new RpcException(EtcdErrors.UserNotFound);
    }

    public override async Task<AuthUserListResponse> UserList(
        AuthUserListRequest request, ServerCallContext context)
    {
        (AuthTable table, ResponseHeader header) = await ReadAsync(context);
        EtcdEdge.Require(AuthRules.CheckRoot(table, edge.PrincipalOf(context)));
        return new AuthUserListResponse { Header = header, Users = { table.Users.Keys } };
    }

    public override async Task<AuthUserDeleteResponse> UserDelete(
        AuthUserDeleteRequest request, ServerCallContext context) => new()
    {
        Header = await ChangeAsync(context, new AuthChange.UserDelete(request.Name)),
    };

    public override async Task<AuthUserChangePasswordResponse> UserChangePassword(
        AuthUserChangePasswordRequest request, ServerCallContext context) => new()
    {
        Header = await ChangeAsync(context, new AuthChange.UserChangePassword(
            request.Name, await HashAsync(request.Password, context))),
    };

    public override async Task<AuthUserGrantRoleResponse> UserGrantRole(
        AuthUserGrantRoleRequest request, ServerCallContext context) => new()
    {
        Header = await ChangeAsync(context, new AuthChange.UserGrantRole(request.User, request.Role)),
    };

    public override async Task<AuthUserRevokeRoleResponse> UserRevokeRole(
        AuthUserRevokeRoleRequest request, ServerCallContext context) => new()
    {
        Header = await ChangeAsync(context, new AuthChange.UserRevokeRole(request.Name, request.Role)),
    };

    public override async Task<AuthRoleAddResponse> RoleAdd(
        AuthRoleAddRequest request, ServerCallContext context) => new()
    {
        Header = await ChangeAsync(context, new AuthChange.RoleAdd(request.Name)),
    };

    public override async Task<AuthRoleGetResponse> RoleGet(
        AuthRoleGetRequest request, ServerCallContext context)
    {
        (AuthTable table, ResponseHeader header) = await ReadAsync(context);
        Principal? who = edge.PrincipalOf(context);
        bool isOwn = who is not null
            && table.Users.TryGetValue(who.User, out AuthUser? asker)
            && asker.Roles.Contains(request.Role);
        if (!isOwn)
        {
            EtcdEdge.Require(AuthRules.CheckRoot(table, who));
        }
        return table.Roles.TryGetValue(request.Role, out AuthRole? role)
            ? new AuthRoleGetResponse { Header = header, Perm = { role.Permissions.Select(ToMessage) } }
            : throw new RpcException(EtcdErrors.RoleNotFound);
    }

    public override async Task<AuthRoleListResponse> RoleList(
        AuthRoleListRequest request, ServerCallContext context)
    {
        (AuthTable table, ResponseHeader header) = await ReadAsync(context);
        EtcdEdge.Require(AuthRules.CheckRoot(table, edge.PrincipalOf(context)));
        return new AuthRoleListResponse { Header = header, Roles = { table.Roles.Keys } };
    }

    public override async Task<AuthRoleDeleteResponse> RoleDelete(
        AuthRoleDeleteRequest request, ServerCallContext context) => new()
    {
        Header = await ChangeAsync(context, new AuthChange.RoleDelete(request.Role)),
    };

    public override async Task<AuthRoleGrantPermissionResponse> RoleGrantPermission(
        AuthRoleGrantPermissionRequest request, ServerCallContext context)
    {
        if (request.Perm is not { } permission || !Enum.IsDefined(permission.PermType))
        {
            throw new RpcException(EtcdErrors.PermissionNotGiven);
        }
        return new AuthRoleGrantPermissionResponse
        {
            Header = await ChangeAsync(context, new AuthChange.RoleGrantPermission(
                request.Name,
                new KeyPermission(
                    (PermissionKind)permission.PermType,
                    permission.Key.Memory,
                    permission.RangeEnd.Memory))),
        };
    }

    public override async Task<AuthRoleRevokePermissionResponse> RoleRevokePermission(
        AuthRoleRevokePermissionRequest request, ServerCallContext context) => new()
    {
        Header = await ChangeAsync(context, new AuthChange.RoleRevokePermission(
            request.Role, request.Key.Memory, request.RangeEnd.Memory)),
    };

    private static Permission ToMessage(KeyPermission permission) => new()
    {
        PermType = (Permission.Types.Type)permission.Kind,
        Key = ByteString.CopyFrom(permission.Key.Span),
        RangeEnd = ByteString.CopyFrom(permission.RangeEnd.Span),
    };

    // Nobody is to have passwords hashed for nothing.
    private async Task<ReadOnlyMemory<byte>> HashAsync(string password, ServerCallContext context)
    {
        edge.CheckRoot(context);
        return await passwords.HashAsync(password, context.CancellationToken);
    }

    private async Task<ResponseHeader> ChangeAsync(ServerCallContext context, AuthChange change)
    {
        Reply reply = await edge.ExecuteAsync(context, new Command.Auth(change));
        return edge.Header(context, reply.Revision);
    }

    /// <summary>The table as it is behind all that was acknowledged before the call.</summary>
    private async Task<(AuthTable Table, ResponseHeader Header)> ReadAsync(ServerCallContext context)
    {
        LogNode node = edge.NodeOf(context);
        Reply reply = await edge.ExecuteAsync(context, new Command.Barrier());
        return (node.Auth!, edge.Header(context, reply.Revision));
    }
}
