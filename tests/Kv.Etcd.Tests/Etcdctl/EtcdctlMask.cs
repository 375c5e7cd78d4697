using System.Text.RegularExpressions;

namespace Kv.Etcd.Tests.Etcdctl;

/// <summary>
/// What two servers must not agree on, and nothing else: where they are, who they are, how long and how large
/// they are. The whole list is here.
/// </summary>
internal static partial class EtcdctlMask
{
    private static readonly (Regex Pattern, string Instead)[] Masks =
    [
        (MemberRow(), "{id}, started, {name}, {url}, {url}, $1"),
        (StatusRow(), "{endpoint}, {id}, {version}, {size}, $1, $2, {term}, {index}, {index}, "),
        (HashRow(), "{endpoint}, {hash}"),
        (JsonMember(), "\"ID\":{n},\"name\":{name},\"peerURLs\":{urls},\"clientURLs\":{urls}"),
        (JsonIds(), "\"$1\":{n}"),
        (FieldIds(), "\"$1\" : {n}"),
        (SnapshotRow(), "{hash}, $1, {keys}, {size}"),
        (LeaseInKey(), "/{lease}"),
        (Took(), "took = {time}"),
        (Remaining(), "remaining({time})"),
    ];

    /// <summary>The text without them, and without etcdctl's own log lines.</summary>
    /// <param name="known">Names, and the text that each of them stands for.</param>
    public static string Apply(string text, IEnumerable<KeyValuePair<string, string>> known)
    {
        IEnumerable<string> lines = text.Split('\n')
            .Where(static line => !line.StartsWith("{\"level\":", StringComparison.Ordinal));
        text = string.Join('\n', lines);
        foreach ((string name, string value) in known)
        {
            text = text.Replace(value, $"{{{name}}}", StringComparison.Ordinal);
        }
        foreach ((Regex pattern, string instead) in Masks)
        {
            text = pattern.Replace(text, instead);
        }
        return text;
    }

    [GeneratedRegex(
        @"^[0-9a-f]+, started, [^,]+, http[^,]+, http[^,]+, (true|false)$", RegexOptions.Multiline)]
    private static partial Regex MemberRow();

    [GeneratedRegex(
        @"^\{endpoint\}, [0-9a-f]+, [\d.]+, [\d.]+ [kM]?B, (true|false), (true|false), \d+, \d+, \d+, ",
        RegexOptions.Multiline)]
    private static partial Regex StatusRow();

    [GeneratedRegex(@"^\{endpoint\}, \d+$", RegexOptions.Multiline)]
    private static partial Regex HashRow();

    [GeneratedRegex(@"""ID"":\d+,""name"":""[^""]+"",""peerURLs"":\[[^\]]+\],""clientURLs"":\[[^\]]+\]")]
    private static partial Regex JsonMember();

    [GeneratedRegex(@"""(cluster_id|member_id|raft_term)"":\d+")]
    private static partial Regex JsonIds();

    [GeneratedRegex(@"""(ClusterID|MemberID|RaftTerm)"" : \d+")]
    private static partial Regex FieldIds();

    [GeneratedRegex(@"^[0-9a-f]+, (\d+), \d+, [\d.]+ [kM]?B$", RegexOptions.Multiline)]
    private static partial Regex SnapshotRow();

    [GeneratedRegex(@"/[0-9a-f]{8,16}\b")]
    private static partial Regex LeaseInKey();

    [GeneratedRegex(@"remaining\(\d+s\)")]
    private static partial Regex Remaining();

    [GeneratedRegex(@"took = [\d.]+[mµn]?s")]
    private static partial Regex Took();
}
