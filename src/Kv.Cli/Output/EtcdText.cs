using Kv.Cli.Commands;
using Kv.Cli.Etcd;
using Kv.Protos.Etcd;

namespace Kv.Cli.Output;

/// <summary>Replies in etcd's protocol for a person.</summary>
internal sealed class EtcdText(TextWriter writer, Palette palette, bool inConversation)
{
    /// <returns>Whether there is a text for such a reply.</returns>
    public bool Write(Answer answer)
    {
        switch (answer.Reply)
        {
            case PutResponse put:
                WritePut(put);
                WriteRevision(put.Header);
                break;
            case RangeResponse range:
                WriteRange(range, ((Command.Range)answer.Command).Request);
                break;
            case TxnResponse txn:
                WriteTxn(txn, ((Command.Txn)answer.Command).Request!);
                break;
            case CompactionResponse:
                writer.Write($"compacted revision {((Command.Compact)answer.Command).Request.Revision}\n");
                break;
            case WatchResponse watch:
                WriteEvents(watch);
                break;
            case KeyValue held:
                WriteKey(held);
                writer.Write($" {Dim("revision")} {held.CreateRevision}\n");
                break;
            default:
                return WriteLease(answer);
        }

        return true;
    }

    private bool WriteLease(Answer answer)
    {
        switch (answer.Reply)
        {
            case LeaseGrantResponse grant:
                writer.Write(EtcdBytes.LeaseText(grant.ID));
                writer.Write(inConversation ? $"{Dim($"  (ttl {grant.TTL} s)")}\n" : "\n");
                break;
            case LeaseRevokeResponse:
                writer.Write($"{palette.Paint(Tone.Good, "OK")}\n");
                break;
            case LeaseKeepAliveResponse beat:
                writer.Write($"lease {EtcdBytes.LeaseText(beat.ID)} kept alive for {beat.TTL} s\n");
                break;
            case LeaseTimeToLiveResponse left:
                writer.Write(
                    $"lease {EtcdBytes.LeaseText(left.ID)} ends in {left.TTL} s of {left.GrantedTTL} s\n");
                foreach (Google.Protobuf.ByteString key in left.Keys)
                {
                    WriteBytes(BytesText.OfKey(key), Tone.Key);
                    writer.Write('\n');
                }

                break;
            case LeaseLeasesResponse leases:
                foreach (LeaseStatus lease in leases.Leases)
                {
                    writer.Write($"{EtcdBytes.LeaseText(lease.ID)}\n");
                }

                break;
            default:
                return false;
        }

        return true;
    }

    private void WritePut(PutResponse put)
    {
        writer.Write(palette.Paint(Tone.Good, "OK"));
        if (put.PrevKv is { } previous)
        {
            writer.Write($" {Dim("was")} ");
            WriteBytes(BytesText.OfValue(previous.Value));
        }
    }

    private void WriteRevision(ResponseHeader header) =>
        writer.Write(inConversation ? $"{Dim($"  (revision {header.Revision})")}\n" : "\n");

    private void WriteRange(RangeResponse range, RangeRequest request)
    {
        if (request.CountOnly)
        {
            writer.Write($"{range.Count}\n");
            return;
        }

        foreach (KeyValue entry in range.Kvs)
        {
            WriteKey(entry);
            if (!request.KeysOnly)
            {
                writer.Write(" = ");
                WriteBytes(BytesText.OfValue(entry.Value));
            }

            writer.Write('\n');
        }

        if (inConversation)
        {
            string keys = range.Kvs.Count == 1 ? "1 key" : $"{range.Kvs.Count} keys";
            writer.Write($"{Dim($"({keys}, revision {range.Header?.Revision ?? 0})")}\n");
        }
    }

    private void WriteTxn(TxnResponse txn, TxnRequest request)
    {
        writer.Write(palette.Paint(Tone.Good, txn.Succeeded ? "SUCCESS" : "FAILURE"));
        WriteRevision(txn.Header);
        IReadOnlyList<RequestOp> asked = txn.Succeeded ? request.Success : request.Failure;
        foreach ((RequestOp op, ResponseOp response) in asked.Zip(txn.Responses))
        {
            switch (response.ResponseCase)
            {
                case ResponseOp.ResponseOneofCase.ResponsePut:
                    WritePut(response.ResponsePut);
                    writer.Write('\n');
                    break;
                case ResponseOp.ResponseOneofCase.ResponseRange:
                    WriteRange(response.ResponseRange, op.RequestRange);
                    break;
                case ResponseOp.ResponseOneofCase.ResponseDeleteRange:
                    WriteDeleted(response.ResponseDeleteRange);
                    break;
            }
        }
    }

    private void WriteDeleted(DeleteRangeResponse deleted)
    {
        writer.Write($"deleted {deleted.Deleted}\n");
        foreach (KeyValue previous in deleted.PrevKvs)
        {
            WriteKey(previous);
            writer.Write($" {Dim("was")} ");
            WriteBytes(BytesText.OfValue(previous.Value));
            writer.Write('\n');
        }
    }

    private void WriteEvents(WatchResponse watch)
    {
        foreach (Event change in watch.Events)
        {
            bool isPut = change.Type == Event.Types.EventType.Put;
            writer.Write($"{Dim($"{change.Kv.ModRevision}")} ");
            writer.Write($"{palette.Paint(isPut ? Tone.Good : Tone.Bad, isPut ? "PUT" : "DEL")} ");
            WriteKey(change.Kv);
            if (isPut)
            {
                writer.Write(" = ");
                WriteBytes(BytesText.OfValue(change.Kv.Value));
            }

            if (change.PrevKv is { } previous)
            {
                writer.Write($"  {Dim("was")} ");
                WriteBytes(BytesText.OfValue(previous.Value));
            }

            writer.Write('\n');
        }

        if (watch.Events.Count == 0)
        {
            writer.Write($"{Dim($"{watch.Header.Revision} PROGRESS")}\n");
        }
    }

    private void WriteKey(KeyValue entry) => WriteBytes(BytesText.OfKey(entry.Key), Tone.Key);

    private void WriteBytes(BytesText bytes, Tone? tone = null)
    {
        writer.Write(tone is { } painted ? palette.Paint(painted, bytes.Text) : bytes.Text);
        if (bytes.IsBase64)
        {
            writer.Write(Dim(" (base64)"));
        }
    }

    private string Dim(string text) => palette.Paint(Tone.Dim, text);
}
