using Google.Protobuf.Reflection;
using Kv.Protos.Etcd;

namespace Kv.Etcd.Tests.Compatibility;

/// <summary>What is said of each call of etcd's API, and the test that shows it.</summary>
/// <param name="Says">"supported", or "refused: " and with what.</param>
/// <param name="Test">Class and method.</param>
internal sealed record Verdict(string Says, string Test)
{
    public static Verdict Supported(string test) => new("supported", test);

    public static Verdict Refused(string how, string test) => new($"refused: {how}", test);
}

/// <summary>Verdicts for every call and every field of its request; the page is made of them.</summary>
internal static class CompatibilityTable
{
    private const string Random = "DifferentialTests.One_client_is_answered_as_by_etcd";
    private const string Etcdctl = "EtcdctlTests.A_session_shows_what_it_shows_with_etcd";
    private const string Talk = "WatchTalkTests.Every_message_is_as_etcd_sends_it";
    private const string NotThere = "MaintenanceTests.What_there_is_not_is_refused_by_name";

    private static readonly FileDescriptor[] Files =
    [
        RpcReflection.Descriptor, V3LockReflection.Descriptor, V3ElectionReflection.Descriptor,
    ];

    public static IEnumerable<MethodDescriptor> Calls =>
        Files.SelectMany(static file => file.Services).SelectMany(static service => service.Methods);

    /// <summary>By "Service.Call", or "Service.*" for all others of it.</summary>
    public static readonly Dictionary<string, Verdict> OfCalls = new()
    {
        ["KV.*"] = Verdict.Supported(Random),
        ["KV.RangeStream"] = Verdict.Supported("KvTests.A_streamed_range_merges_to_the_whole"),
        ["Watch.Watch"] = Verdict.Supported(Talk),
        ["Lease.*"] = Verdict.Supported(Random),
        ["Lease.LeaseKeepAlive"] = Verdict.Supported(Etcdctl),
        ["Lock.*"] = Verdict.Supported(Etcdctl),
        ["Election.*"] = Verdict.Supported(Etcdctl),
        ["Cluster.*"] = Verdict.Refused(
            "UNIMPLEMENTED by name; members come by being started on the exchange", NotThere),
        ["Cluster.MemberList"] = new(
            "supported, from the nodes that announce themselves; there are no peer URLs",
            "MaintenanceTests.The_members_are_the_nodes_with_their_addresses"),
        ["Maintenance.Alarm"] = new(
            "supported: NOSPACE, CORRUPT",
            "UpkeepTests.Beyond_its_quota_nothing_is_added_until_the_alarm_is_cleared"),
        ["Maintenance.Status"] = new(
            "supported; the version is that of the API (3.4.23), raft's term is 1, its index the log's "
                + "offset, its leader the ready member with the lowest node id",
            "MaintenanceTests.The_status_names_the_version_of_the_api_and_one_leader_for_all"),
        ["Maintenance.Defragment"] = new(
            "supported: does nothing, since there are no files with holes", Etcdctl),
        ["Maintenance.Hash"] = new(
            "supported: half of the digest of the contents, no value of etcd's",
            "MaintenanceTests.HashKV_is_equal_on_all_nodes_before_and_behind_a_compaction"),
        ["Maintenance.HashKV"] = new(
            "supported: equal on all nodes, no value of etcd's",
            "MaintenanceTests.HashKV_is_equal_on_all_nodes_before_and_behind_a_compaction"),
        ["Maintenance.Snapshot"] = new(
            "supported: our format, with etcdctl's checksum behind it; kv snapshot restores it",
            "MaintenanceTests.A_snapshot_ends_with_what_etcdctl_checks_and_is_read_by_ours"),
        ["Maintenance.MoveLeader"] = Verdict.Refused("as by a member that does not lead", NotThere),
        ["Maintenance.Downgrade"] = Verdict.Refused("UNIMPLEMENTED by name", NotThere),
        ["Auth.*"] = Verdict.Supported(Etcdctl),
    };

    /// <summary>Of single fields, by "Message.field", where it is not the call's.</summary>
    public static readonly Dictionary<string, Verdict> OfFields = new()
    {
        ["CompactionRequest.physical"] = new(
            "supported: nothing that was compacted can be read behind the answer either way", Random),
        ["MemberListRequest.linearizable"] = new(
            "accepted: who announces itself is known from the second before, either way",
            "MaintenanceTests.The_members_are_the_nodes_with_their_addresses"),
        ["WatchCreateRequest.fragment"] = Verdict.Supported(
            "WatchFragmentTests.A_large_reply_comes_in_fragments_where_they_are_wanted"),
        ["WatchCreateRequest.progress_notify"] = Verdict.Supported(
            "WatchOnNodesTests.Progress_is_told_from_time_to_time_to_who_wants_it"),
    };

    public static Verdict? Of(MethodDescriptor call) =>
        OfCalls.GetValueOrDefault($"{call.Service.Name}.{call.Name}")
        ?? OfCalls.GetValueOrDefault($"{call.Service.Name}.*");

    /// <summary>Fields of a message and of the messages in it, each message once.</summary>
    public static IEnumerable<FieldDescriptor> FieldsOf(MessageDescriptor message)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var left = new Queue<MessageDescriptor>([message]);
        while (left.TryDequeue(out MessageDescriptor? next))
        {
            if (!seen.Add(next.FullName))
            {
                continue;
            }
            foreach (FieldDescriptor field in next.Fields.InDeclarationOrder())
            {
                yield return field;
                // Those of the calls themselves stand with the calls.
                if (field.FieldType == FieldType.Message
                    && !Calls.Any(call => call.InputType == field.MessageType))
                {
                    left.Enqueue(field.MessageType);
                }
            }
        }
    }
}
