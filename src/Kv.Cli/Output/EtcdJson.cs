using System.Text.Json;
using Google.Protobuf;
using Kv.Cli.Commands;
using Kv.Cli.Etcd;
using Kv.Protos.Etcd;

namespace Kv.Cli.Output;

/// <summary>
/// Replies in etcd's protocol as members of a JSON object. Bytes are a string where they are UTF-8, else
/// base64 with a flag; leases are hexadecimal strings, as they are typed.
/// </summary>
internal static class EtcdJson
{
    public static void Write(Utf8JsonWriter json, Answer answer)
    {
        switch (answer.Reply)
        {
            case PutResponse put:
                WriteRevision(json, put.Header);
                WriteBytes(json, "key", ((Command.Put)answer.Command).Request.Key);
                WritePut(json, put);
                break;
            case RangeResponse range:
                WriteRevision(json, range.Header);
                WriteRange(json, range);
                break;
            case TxnResponse txn:
                WriteRevision(json, txn.Header);
                WriteTxn(json, txn);
                break;
            case CompactionResponse compaction:
                WriteRevision(json, compaction.Header);
                json.WriteNumber("compacted", ((Command.Compact)answer.Command).Request.Revision);
                break;
            case KeyValue held:
                WriteBytes(json, "key", held.Key);
                json.WriteNumber("revision", held.CreateRevision);
                WriteLeaseId(json, held.Lease);
                break;
            default:
                WriteLease(json, answer.Reply);
                break;
        }
    }

    /// <summary>One event of a watch.</summary>
    public static void Write(Utf8JsonWriter json, Event change)
    {
        json.WriteString("type", change.Type == Event.Types.EventType.Put ? "put" : "delete");
        json.WriteNumber("revision", change.Kv.ModRevision);
        WriteBytes(json, "key", change.Kv.Key);
        if (change.Type == Event.Types.EventType.Put)
        {
            WriteBytes(json, "value", change.Kv.Value);
            json.WriteNumber("create_revision", change.Kv.CreateRevision);
            json.WriteNumber("version", change.Kv.Version);
            WriteLeaseId(json, change.Kv.Lease);
        }

        WritePrevious(json, change.PrevKv);
    }

    /// <summary>A watch has nothing to tell up to a revision.</summary>
    public static void WriteProgress(Utf8JsonWriter json, WatchResponse watch)
    {
        json.WriteString("type", "progress");
        WriteRevision(json, watch.Header);
    }

    private static void WriteLease(Utf8JsonWriter json, IMessage reply)
    {
        switch (reply)
        {
            case LeaseGrantResponse grant:
                WriteRevision(json, grant.Header);
                json.WriteString("lease", EtcdBytes.LeaseText(grant.ID));
                json.WriteNumber("ttl", grant.TTL);
                break;
            case LeaseRevokeResponse revoke:
                WriteRevision(json, revoke.Header);
                break;
            case LeaseKeepAliveResponse beat:
                WriteRevision(json, beat.Header);
                json.WriteString("lease", EtcdBytes.LeaseText(beat.ID));
                json.WriteNumber("ttl", beat.TTL);
                break;
            case LeaseTimeToLiveResponse left:
                WriteRevision(json, left.Header);
                json.WriteString("lease", EtcdBytes.LeaseText(left.ID));
                json.WriteBoolean("found", left.TTL >= 0);
                json.WriteNumber("ttl", left.TTL);
                json.WriteNumber("granted_ttl", left.GrantedTTL);
                WriteArray(json, "keys", left.Keys, key => WriteBytes(json, "key", key));
                break;
            case LeaseLeasesResponse leases:
                WriteRevision(json, leases.Header);
                json.WriteStartArray("leases");
                foreach (LeaseStatus lease in leases.Leases)
                {
                    json.WriteStringValue(EtcdBytes.LeaseText(lease.ID));
                }

                json.WriteEndArray();
                break;
        }
    }

    private static void WritePut(Utf8JsonWriter json, PutResponse put) => WritePrevious(json, put.PrevKv);

    private static void WriteRange(Utf8JsonWriter json, RangeResponse range)
    {
        WriteArray(json, "entries", range.Kvs, entry => WriteEntry(json, entry));
        json.WriteNumber("count", range.Count);
        json.WriteBoolean("more", range.More);
    }

    private static void WriteTxn(Utf8JsonWriter json, TxnResponse txn)
    {
        json.WriteBoolean("succeeded", txn.Succeeded);
        WriteArray(json, "responses", txn.Responses, response =>
        {
            switch (response.ResponseCase)
            {
                case ResponseOp.ResponseOneofCase.ResponsePut:
                    json.WriteString("command", "put");
                    WritePut(json, response.ResponsePut);
                    break;
                case ResponseOp.ResponseOneofCase.ResponseRange:
                    json.WriteString("command", "range");
                    WriteRange(json, response.ResponseRange);
                    break;
                case ResponseOp.ResponseOneofCase.ResponseDeleteRange:
                    json.WriteString("command", "del");
                    json.WriteNumber("deleted", response.ResponseDeleteRange.Deleted);
                    WriteArray(
                        json,
                        "prev",
                        response.ResponseDeleteRange.PrevKvs,
                        previous => WriteEntry(json, previous));
                    break;
            }
        });
    }

    private static void WriteEntry(Utf8JsonWriter json, KeyValue entry)
    {
        WriteBytes(json, "key", entry.Key);
        WriteBytes(json, "value", entry.Value);
        json.WriteNumber("create_revision", entry.CreateRevision);
        json.WriteNumber("mod_revision", entry.ModRevision);
        json.WriteNumber("version", entry.Version);
        WriteLeaseId(json, entry.Lease);
    }

    private static void WritePrevious(Utf8JsonWriter json, KeyValue? previous)
    {
        if (previous is not null)
        {
            json.WriteStartObject("prev");
            WriteEntry(json, previous);
            json.WriteEndObject();
        }
    }

    private static void WriteLeaseId(Utf8JsonWriter json, long lease)
    {
        if (lease != 0)
        {
            json.WriteString("lease", EtcdBytes.LeaseText(lease));
        }
    }

    private static void WriteRevision(Utf8JsonWriter json, ResponseHeader? header) =>
        json.WriteNumber("revision", header?.Revision ?? 0);

    private static void WriteBytes(Utf8JsonWriter json, string name, ByteString bytes)
    {
        string? text = EtcdBytes.TextOf(bytes);
        json.WriteString(name, text ?? bytes.ToBase64());
        if (text is null)
        {
            json.WriteBoolean($"{name}_is_base64", true);
        }
    }

    private static void WriteArray<TItem>(
        Utf8JsonWriter json, string name, IEnumerable<TItem> items, Action<TItem> members)
    {
        json.WriteStartArray(name);
        foreach (TItem item in items)
        {
            json.WriteStartObject();
            members(item);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
