using Grpc.Core;
using Kv.Actors.Nodes;
using Kv.Core.Auth;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Host.Etcd;

/// <summary>
/// Who asks, and what that user may see: by the table as this node has applied it. What is done through the
/// log is checked there again. Any thread.
/// </summary>
internal sealed class AuthGate(AuthTokens tokens)
{
    /// <summary>Metadata in which etcd's clients send their token.</summary>
    private const string TokenKey = "token";

    /// <summary>The same, over HTTP.</summary>
    private const string HttpTokenKey = "authorization";

    /// <summary>
    /// Null: the call has no token, or nobody is checked, or the node does not serve. What that means is the
    /// checks' to say.
    /// </summary>
    /// <exception cref="RpcException">The token is not good: the client authenticates again.</exception>
    public Principal? PrincipalOf(ServerCallContext call, IKvNode node)
    {
        return node is LogNode { Auth: { } table } ? PrincipalOf(call, table) : null;
    }

    /// <param name="table">Whose users are asked for.</param>
    /// <inheritdoc cref="PrincipalOf(ServerCallContext, IKvNode)"/>
    public Principal? PrincipalOf(ServerCallContext call, AuthTable table)
    {
        string? token = call.RequestHeaders.GetValue(TokenKey) ?? call.RequestHeaders.GetValue(HttpTokenKey);
        if (token is null || !table.IsEnabled)
        {
            return null;
        }
        return tokens.UserOf(table, token) is { } user
            ? new Principal(user.Name, table.Revision)
            : throw new RpcException(EtcdErrors.InvalidAuthToken);
    }

    /// <summary>Every key of the range may be read.</summary>
    /// <param name="rangeEnd">As <see cref="RangeQuery.RangeEnd"/>.</param>
    /// <returns>Null: yes; or why not.</returns>
    /// <exception cref="KvException">The node does not know its users yet, and serves nobody.</exception>
    public static StoreError? CheckRead(
        IKvNode node, Principal? who, ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> rangeEnd) =>
        AuthRules.CheckRead(TableOf(node), who, key.Span, rangeEnd.Span);

    /// <summary>Every key of the range may be written.</summary>
    /// <inheritdoc cref="CheckRead"/>
    public static StoreError? CheckWrite(
        IKvNode node, Principal? who, ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> rangeEnd) =>
        AuthRules.CheckWrite(TableOf(node), who, key.Span, rangeEnd.Span);

    /// <summary>The user has the role root.</summary>
    /// <inheritdoc cref="CheckRead"/>
    public static StoreError? CheckRoot(IKvNode node, Principal? who) =>
        AuthRules.CheckRoot(TableOf(node), who);

    /// <summary>Somebody asks, and not nobody.</summary>
    /// <inheritdoc cref="CheckRead"/>
    public static StoreError? CheckUser(IKvNode node, Principal? who) =>
        AuthRules.CheckUser(TableOf(node), who);

    // Queue mode has no users.
    private static AuthTable TableOf(IKvNode node) => node is not LogNode { Auth: var table }
        ? AuthTable.Empty
        : table ?? throw new KvException(KvError.NotReady, "This node has not caught up with the log yet.");
}
