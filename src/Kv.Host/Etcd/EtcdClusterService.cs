using Grpc.Core;
using Kv.Actors.Nodes;
using Kv.Host.Grpc;
using Kv.Protos.Etcd;

namespace Kv.Host.Etcd;

/// <summary>
/// etcd's Cluster service. Members are who announces itself; they come by being started and go by being
/// stopped, so that nothing of it is changed by a call.
/// </summary>
internal sealed class EtcdClusterService(EtcdEdge edge) : Cluster.ClusterBase
{
    private const string HowMembersCome =
        "members of this cluster are the nodes that are started on its exchange; kv cluster-size says how "
            + "many there are meant to be.";

    public override async Task<MemberListResponse> MemberList(
        MemberListRequest request, ServerCallContext context)
    {
        LogNode node = edge.NodeOf(context);
        NodeStatus status = await NodeCalls.GuardAsync(context, node.GetStatusAsync);
        // As in etcd: a list of members has no revision.
        var message = new MemberListResponse { Header = EtcdEdge.Header(node, revision: 0) };
        message.Members.Add(ToMessage(status.NodeId, edge.UrlOf(context)));
        message.Members.AddRange(OfCluster(status)
            .Where(static member => member.State != NodeState.Halted)
            .Select(static member => ToMessage(member.NodeId, member.Url)));
        return message;
    }

    public override Task<MemberAddResponse> MemberAdd(MemberAddRequest request, ServerCallContext context) =>
        throw EtcdEdge.Unimplemented($"Cluster.MemberAdd: {HowMembersCome}");

    public override Task<MemberRemoveResponse> MemberRemove(
        MemberRemoveRequest request, ServerCallContext context) =>
        throw EtcdEdge.Unimplemented($"Cluster.MemberRemove: {HowMembersCome}");

    public override Task<MemberUpdateResponse> MemberUpdate(
        MemberUpdateRequest request, ServerCallContext context) =>
        throw EtcdEdge.Unimplemented($"Cluster.MemberUpdate: {HowMembersCome}");

    public override Task<MemberPromoteResponse> MemberPromote(
        MemberPromoteRequest request, ServerCallContext context) =>
        throw EtcdEdge.Unimplemented($"Cluster.MemberPromote: there are no learners; {HowMembersCome}");

    /// <summary>
    /// Every member takes writes; where one has to be named as the leader it is the one with the lowest node
    /// id, which also is the first to end leases.
    /// </summary>
    public static ulong LeaderOf(NodeStatus status) => MemberId.Of(OfCluster(status)
        .Where(static member => member.State == NodeState.Ready)
        .Select(static member => member.NodeId)
        .Append(status.NodeId)
        .Min(StringComparer.Ordinal)!);

    private static IEnumerable<MemberStatus> OfCluster(NodeStatus status) =>
        status.Members.Where(member => member.ClusterId == status.ClusterId);

    private static Member ToMessage(string nodeId, string url)
    {
        // Members speak through the broker: they have no addresses for each other.
        var member = new Member { ID = MemberId.Of(nodeId), Name = nodeId };
        member.ClientURLs.Add(url);
        return member;
    }
}
