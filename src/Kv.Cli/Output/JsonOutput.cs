using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Kv.Cli.Calls;
using Kv.Cli.Commands;
using Kv.Cli.Lines;
using Kv.Cli.Snapshots;
using Kv.Protos.Etcd;
using Kv.Protos.V1;
using KeyValue = Kv.Protos.V1.KeyValue;
using Member = Kv.Protos.V1.Member;

namespace Kv.Cli.Output;

/// <summary>One JSON object per line: replies on standard output, failures on standard error.</summary>
internal sealed class JsonOutput(TextWriter replies, TextWriter errors) : IOutput
{
    private static readonly JsonWriterOptions Options =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public void Show(Answer answer, int? lineNumber)
    {
        switch (answer.Reply)
        {
            case WatchResponse { Events.Count: 0 } progress:
                WriteAnswer(answer, lineNumber, json => EtcdJson.WriteProgress(json, progress));
                break;
            case WatchResponse watch:
                foreach (Event change in watch.Events)
                {
                    WriteAnswer(answer, lineNumber, json => EtcdJson.Write(json, change));
                }

                break;
            default:
                WriteAnswer(answer, lineNumber, json => WriteReply(json, answer));
                break;
        }
    }

    public void Begun(Command command)
    {
    }

    public void Ended(Command command)
    {
    }

    public void Note(string text) => WriteLine(errors, json => json.WriteString("note", text));

    private void WriteAnswer(Answer answer, int? lineNumber, Action<Utf8JsonWriter> members) =>
        WriteLine(replies, json =>
        {
            json.WriteString("command", answer.Command.Verb);
            WriteLineNumber(json, lineNumber);
            json.WriteString("target", answer.Target.ToString());
            members(json);
        });

    private static void WriteReply(Utf8JsonWriter json, Answer answer)
    {
        switch (answer.Reply)
        {
            case SetReply set:
                json.WriteString("key", ((Command.Set)answer.Command).Key);
                WritePlace(json, set.Node, set.Order, set.Revision);
                break;
            case GetReply get:
                json.WriteString("key", ((Command.Get)answer.Command).Key);
                WritePlace(json, get.Node, get.Order, get.Revision);
                json.WriteBoolean("found", get.Found);
                if (get.Found)
                {
                    WriteValue(json, get.ValueJson, get.ValueIsBase64);
                }

                break;
            case DelReply del:
                json.WriteString("key", ((Command.Del)answer.Command).Key);
                WritePlace(json, del.Node, del.Order, del.Revision);
                json.WriteNumber("deleted", del.Deleted);
                break;
            case PrintReply print:
                WritePrint(json, print);
                break;
            case SetClusterSizeReply size:
                json.WriteString("node", size.Node);
                json.WriteNumber("size", ((Command.SetClusterSize)answer.Command).Members);
                break;
            case StatusReply status:
                WriteStatus(json, status);
                break;
            default:
                EtcdJson.Write(json, answer);
                break;
        }
    }

    public void Show(SnapshotReport report, int? lineNumber) => WriteLine(replies, json =>
    {
        json.WriteString("command", report.Command.Verb);
        WriteLineNumber(json, lineNumber);
        SnapshotText.Write(json, report);
    });

    public void Fail(Failure failure) => WriteLine(errors, json =>
    {
        json.WriteString("error", failure.Exit.ToString());
        json.WriteNumber("exit_code", (int)failure.Exit);
        WriteLineNumber(json, failure.LineNumber);
        json.WriteString("message", failure.Message);
        if (failure.Code is { } code)
        {
            json.WriteString("status", FailureText.Name(code));
        }

        json.WriteStartArray("attempts");
        foreach (CallFailure attempt in failure.Attempts)
        {
            json.WriteStartObject();
            json.WriteString("target", attempt.Target.ToString());
            json.WriteString("kind", attempt.Kind.ToString());
            json.WriteString("status", FailureText.Name(attempt.Code));
            json.WriteString("detail", attempt.Detail);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    public void Help() => WriteLine(replies, json =>
    {
        json.WriteString("command", "help");
        json.WriteString("text", HelpText.Commands);
    });

    private static void WritePrint(Utf8JsonWriter json, PrintReply print)
    {
        WritePlace(json, print.Node, print.Order, print.Revision);
        json.WriteStartArray("entries");
        foreach (KeyValue entry in print.Entries)
        {
            json.WriteStartObject();
            json.WriteString("key", entry.Key);
            if (entry.KeyIsBase64)
            {
                json.WriteBoolean("key_is_base64", true);
            }

            WriteValue(json, entry.ValueJson, entry.ValueIsBase64);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteBoolean("more", print.More);
        if (print.Status is { } status)
        {
            json.WriteStartObject("status");
            WriteStatus(json, status);
            json.WriteEndObject();
        }
    }

    private static void WriteStatus(Utf8JsonWriter json, StatusReply status)
    {
        json.WriteString("node", status.Node);
        json.WriteString("mode", status.Mode);
        json.WriteString("state", status.State);
        json.WriteString("reason", status.Reason);
        json.WriteString("cluster_id", status.ClusterId);
        json.WriteNumber("applied_offset", status.AppliedOffset);
        json.WriteNumber("lag", status.Lag);
        json.WriteNumber("revision", status.Revision);
        json.WriteNumber("order", status.Order);
        json.WriteNumber("keys", status.Keys);
        json.WriteString("digest", status.Digest);
        json.WriteString("version", status.Version);
        if (status.Log is { } log)
        {
            WriteLog(json, log);
        }

        json.WriteStartArray("members");
        foreach (Member member in status.Members)
        {
            json.WriteStartObject();
            json.WriteString("node", member.Node);
            json.WriteString("url", member.Url);
            json.WriteString("mode", member.Mode);
            json.WriteString("state", member.State);
            json.WriteString("cluster_id", member.ClusterId);
            json.WriteNumber("applied_offset", member.AppliedOffset);
            json.WriteNumber("lag", member.Lag);
            json.WriteNumber("revision", member.Revision);
            json.WriteString("digest", member.Digest);
            json.WriteNumber("last_seen_ms", member.LastSeenMs);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("alarms");
        foreach (string alarm in status.Alarms)
        {
            json.WriteStringValue(alarm);
        }

        json.WriteEndArray();
    }

    private static void WriteLog(Utf8JsonWriter json, LogStatus log)
    {
        json.WriteStartObject("log");
        json.WriteNumber("cluster_version", log.ClusterVersion);
        json.WriteNumber("cluster_size", log.ClusterSize);
        json.WriteNumber("covered_offset", log.CoveredOffset);
        json.WriteNumber("uncovered_bytes", log.UncoveredBytes);
        json.WriteNumber("skipped", log.Skipped);
        json.WriteStartArray("skipped_offsets");
        foreach (long offset in log.SkippedOffsets)
        {
            json.WriteNumberValue(offset);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WritePlace(Utf8JsonWriter json, string node, long order, long revision)
    {
        json.WriteString("node", node);
        json.WriteNumber("order", order);
        json.WriteNumber("revision", revision);
    }

    /// <summary>
    /// The value as it is stored, so that no number loses digits; as a string if it is not JSON.
    /// </summary>
    private static void WriteValue(Utf8JsonWriter json, string valueJson, bool isBase64)
    {
        json.WritePropertyName("value");
        if (JsonText.IsValid(valueJson))
        {
            json.WriteRawValue(JsonText.OneLine(valueJson), skipInputValidation: true);
        }
        else
        {
            json.WriteStringValue(valueJson);
        }

        if (isBase64)
        {
            json.WriteBoolean("value_is_base64", true);
        }
    }

    private static void WriteLineNumber(Utf8JsonWriter json, int? lineNumber)
    {
        if (lineNumber is { } number)
        {
            json.WriteNumber("line", number);
        }
    }

    private static void WriteLine(TextWriter writer, Action<Utf8JsonWriter> members)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(bytes, Options))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }

        writer.Write(TerminalText.Escape(Encoding.UTF8.GetString(bytes.WrittenSpan)));
        writer.Write('\n');
        writer.Flush();
    }
}
