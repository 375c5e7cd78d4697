using System.Text.Json;
using Kv.Actors.Nodes;

namespace Kv.Host.Grpc;

/// <summary>A node's status and its members as part of a JSON reply.</summary>
internal static class JsonStatus
{
    public static void Write(Utf8JsonWriter json, NodeStatus status)
    {
        json.WriteStartObject("cluster");
        json.WriteString("cluster_id", status.ClusterId);
        json.WriteString("mode", Word(status.Mode));
        json.WriteString("state", Word(status.State));
        json.WriteNumber("applied_offset", status.AppliedOffset);
        json.WriteNumber("lag", status.Lag);
        json.WriteNumber("revision", status.Revision);
        json.WriteString("digest", status.Digest);
        json.WriteStartArray("alarms");
        foreach (string alarm in status.Alarms)
        {
            json.WriteStringValue(alarm);
        }
        json.WriteEndArray();
        json.WriteStartArray("members");
        foreach (MemberStatus member in status.Members)
        {
            json.WriteStartObject();
            json.WriteString("node", member.NodeId);
            json.WriteString("url", member.Url);
            json.WriteString("mode", Word(member.Mode));
            json.WriteString("state", Word(member.State));
            json.WriteNumber("applied_offset", member.AppliedOffset);
            json.WriteNumber("lag", status.LagOf(member));
            json.WriteNumber("revision", member.Revision);
            json.WriteString("digest", member.Digest);
            json.WriteNumber("last_seen_ms", member.LastSeenMs);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static string Word<TEnum>(TEnum value)
        where TEnum : struct, Enum => value.ToString().ToLowerInvariant();
}
