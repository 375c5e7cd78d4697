using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using Kv.Actors.Nodes;
using Kv.Core;
using Kv.Core.Merge;

namespace Kv.Actors.Presence;

/// <summary>What a presence message is for.</summary>
internal enum PresenceKind
{
    Announce = 1,

    /// <summary>A starting node asks everyone to announce at once.</summary>
    Who = 2,

    /// <summary>The node stops in good order.</summary>
    Leave = 3,
}

/// <param name="Answers">The incarnation of the node whose question this answers; 0: no answer.</param>
internal sealed record PresenceMessage(PresenceKind Kind, Announcement Announcement, long Answers = 0);

/// <summary>Presence messages as JSON; see docs/formats-queue.md.</summary>
internal static class AnnouncementCodec
{
    public const int FormatVersion = 1;
    public const string ContentType = "application/json";

    /// <summary>Largest message read, bytes; ours have about 2 KiB.</summary>
    private const int MessageBytesMax = 16_384;

    private const int FormatsMax = 16;
    private const int UrlCharsMax = 2_048;
    private const int DivergenceCharsMax = 2_048;

    public static byte[] Encode(PresenceMessage message)
    {
        Announcement of = message.Announcement;
        var buffer = new ArrayBufferWriter<byte>(2_048);
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        json.WriteNumber("format", FormatVersion);
        json.WriteString("kind", NameOf(message.Kind));
        json.WriteString("node", of.NodeId);
        json.WriteNumber("incarnation", of.Incarnation);
        if (message.Answers != 0) { json.WriteNumber("answers", message.Answers); }
        json.WriteString("url", of.Url);
        json.WriteString("mode", NameOf(of.Mode));
        json.WriteString("state", NameOf(of.State));
        json.WriteString("cluster_id", of.ClusterId);
        json.WriteNumber("applied", of.AppliedOffset);
        json.WriteNumber("revision", of.Revision);
        json.WriteString("digest", of.Digest);
        if (of.Contents.Length > 0) { json.WriteString("contents", of.Contents); }
        if (of.Divergence.Length > 0)
        {
            int length = Math.Min(of.Divergence.Length, DivergenceCharsMax);
            json.WriteString("divergence", of.Divergence.AsSpan(0, length));
        }
        Write(json, "formats", of.Formats);
        if (of.ApplyVersions.Count > 0) { Write(json, "apply_versions", of.ApplyVersions); }
        if (of.Queue is { } queue) { Write(json, queue); }
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    /// <param name="problem">What is wrong with it, for a log.</param>
    public static bool TryDecode(
        ReadOnlyMemory<byte> body,
        [NotNullWhen(true)] out PresenceMessage? message,
        [NotNullWhen(false)] out string? problem)
    {
        message = null;
        problem = $"is longer than {MessageBytesMax} bytes";
        if (body.Length > MessageBytesMax) { return false; }
        try
        {
            using var json = JsonDocument.Parse(body);
            message = Read(json.RootElement);
            problem = null;
            return true;
        }
        catch (Exception cause) when (cause is JsonException or InvalidOperationException or FormatException
            or KeyNotFoundException)
        {
            problem = $"cannot be read ({cause.Message})";
            return false;
        }
    }

    private static void Write(Utf8JsonWriter json, string name, IReadOnlyList<int> versions)
    {
        json.WriteStartArray(name);
        foreach (int version in versions) { json.WriteNumberValue(version); }
        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, QueueAnnouncement queue)
    {
        json.WriteStartObject("queue");
        json.WriteBoolean("by_arrival", queue.ByArrival);
        json.WriteNumber("lamport", queue.Time);
        json.WriteNumber("settled", queue.Settled);
        json.WriteNumber("stable", queue.Stable);
        json.WriteNumber("floor", queue.Floor);
        json.WriteStartArray("buckets");
        foreach (ulong bucket in queue.Buckets) { json.WriteStringValue(bucket.ToString("x")); }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static PresenceMessage Read(JsonElement json)
    {
        if (json.GetProperty("format").GetInt32() < FormatVersion)
        {
            throw new FormatException("format below 1");
        }
        long incarnation = Positive(json, "incarnation");
        string nodeId = Text(json, "node", KvLimits.NodeIdBytesMax);
        if (nodeId.Length == 0) { throw new FormatException("node is empty"); }
        var announcement = new Announcement(nodeId, incarnation, Text(json, "url", UrlCharsMax),
            ModeOf(Text(json, "mode", 16)), StateOf(Text(json, "state", 16)))
        {
            ClusterId = Text(json, "cluster_id", 64),
            AppliedOffset = json.GetProperty("applied").GetInt64(),
            Revision = json.GetProperty("revision").GetInt64(),
            Digest = Text(json, "digest", 64),
            Contents = OptionalText(json, "contents", 64),
            Divergence = OptionalText(json, "divergence", DivergenceCharsMax),
            Formats = Versions(json.GetProperty("formats")),
            ApplyVersions = json.TryGetProperty("apply_versions", out JsonElement apply)
                ? Versions(apply)
                : [],
            Queue = json.TryGetProperty("queue", out JsonElement queue) ? ReadQueue(queue) : null,
        };
        long answers = json.TryGetProperty("answers", out _) ? Positive(json, "answers") : 0;
        return new PresenceMessage(KindOf(Text(json, "kind", 16)), announcement, answers);
    }

    private static QueueAnnouncement ReadQueue(JsonElement json)
    {
        ulong[] buckets = [.. json.GetProperty("buckets").EnumerateArray().Select(bucket => ulong.Parse(
            bucket.GetString() ?? "", NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture))];
        if (buckets.Length != MergeLimits.Buckets) { throw new FormatException("buckets are not 64"); }
        return new QueueAnnouncement(
            json.GetProperty("by_arrival").GetBoolean(),
            LamportTime(json, "lamport"),
            LamportTime(json, "settled"),
            LamportTime(json, "stable"),
            LamportTime(json, "floor"),
            buckets);
    }

    private static string Text(JsonElement json, string name, int charsMax)
    {
        string text = json.GetProperty(name).GetString() ?? throw new FormatException($"{name} is null");
        return text.Length <= charsMax ? text : throw new FormatException($"{name} is too long");
    }

    private static string OptionalText(JsonElement json, string name, int charsMax) =>
        json.TryGetProperty(name, out _) ? Text(json, name, charsMax) : "";

    private static int[] Versions(JsonElement json) =>
        [.. json.EnumerateArray().Take(FormatsMax).Select(static version => version.GetInt32())];

    private static long Positive(JsonElement json, string name) =>
        json.GetProperty(name).GetInt64() is var number && number > 0
            ? number
            : throw new FormatException($"{name} is not positive");

    private static long LamportTime(JsonElement json, string name) =>
        json.GetProperty(name).GetInt64() is var time && time is >= 0 and <= MergeLimits.TimeMax
            ? time
            : throw new FormatException($"{name} is no Lamport time");

    private static string NameOf(PresenceKind kind) => kind switch
    {
        PresenceKind.Announce => "announce",
        PresenceKind.Who => "who",
        PresenceKind.Leave => "leave",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };

    private static PresenceKind KindOf(string name) => name switch
    {
        "announce" => PresenceKind.Announce,
        "who" => PresenceKind.Who,
        "leave" => PresenceKind.Leave,
        _ => throw new FormatException("unknown kind"),
    };

    internal static string NameOf(ReplicationMode mode) => mode switch
    {
        ReplicationMode.Embedded => "embedded",
        ReplicationMode.Stream => "stream",
        ReplicationMode.Queue => "queue",
        _ => throw new ArgumentOutOfRangeException(nameof(mode), mode, null),
    };

    private static ReplicationMode ModeOf(string name) => name switch
    {
        "embedded" => ReplicationMode.Embedded,
        "stream" => ReplicationMode.Stream,
        "queue" => ReplicationMode.Queue,
        _ => throw new FormatException("unknown mode"),
    };

    private static string NameOf(NodeState state) => state switch
    {
        NodeState.Starting => "starting",
        NodeState.Ready => "ready",
        NodeState.Halted => "halted",
        _ => throw new ArgumentOutOfRangeException(nameof(state), state, null),
    };

    private static NodeState StateOf(string name) => name switch
    {
        "starting" => NodeState.Starting,
        "ready" => NodeState.Ready,
        "halted" => NodeState.Halted,
        _ => throw new FormatException("unknown state"),
    };
}
