using Kv.Cli.Commands;
using Kv.Cli.Etcd;
using Kv.Cli.Lines;
using Kv.Cli.Snapshots;
using Kv.Protos.Etcd;
using Kv.Protos.V1;
using KeyValue = Kv.Protos.V1.KeyValue;

namespace Kv.Cli.Output;

/// <summary>
/// Replies for a person. In a conversation they say more; elsewhere standard output carries only what was
/// asked for, so that it can be used as it is.
/// </summary>
internal sealed class TextOutput(
    TextWriter replies, TextWriter errors, Palette palette, bool inConversation) : IOutput
{
    public void Show(Answer answer, int? lineNumber)
    {
        switch (answer.Reply)
        {
            case SetReply set:
                replies.Write(palette.Paint(Tone.Good, "OK"));
                WritePlace(set.Node, set.Order, set.Revision);
                break;
            case GetReply get:
                ShowGet((Command.Get)answer.Command, get, lineNumber);
                break;
            case DelReply del:
                replies.Write($"deleted {del.Deleted}");
                WritePlace(del.Node, del.Order, del.Revision);
                break;
            case PrintReply print:
                ShowPrint(print);
                break;
            case SetClusterSizeReply size:
                replies.Write(palette.Paint(Tone.Good, "OK"));
                replies.Write(inConversation ? $"  ({TerminalText.Escape(size.Node)})\n" : "\n");
                break;
            case StatusReply status:
                StatusText.Write(replies, status, palette);
                break;
            default:
                ShowEtcd(answer, lineNumber);
                break;
        }

        replies.Flush();
        errors.Flush();
    }

    public void Show(SnapshotReport report, int? lineNumber)
    {
        SnapshotText.Write(replies, report);
        replies.Flush();
    }

    public void Note(string text)
    {
        replies.Flush();
        errors.Write($"{palette.Paint(Tone.Dim, $"kv: {TerminalText.Escape(text)}")}\n");
        errors.Flush();
    }

    public void Begun(Command command)
    {
        if (inConversation)
        {
            replies.Write($"{palette.Paint(Tone.Dim, $"({command.Verb}: Ctrl-C ends it)")}\n");
            replies.Flush();
        }
    }

    public void Ended(Command command)
    {
        if (inConversation)
        {
            replies.Write($"\n{palette.Paint(Tone.Dim, $"({command.Verb} ended)")}\n");
            replies.Flush();
        }
    }

    public void Fail(Failure failure)
    {
        string place = failure.LineNumber is { } line ? $"line {line}: " : "";
        errors.Write(palette.Paint(Tone.Bad, $"kv: {place}{TerminalText.Escape(failure.Message)}"));
        errors.Write('\n');
        errors.Flush();
    }

    public void Help()
    {
        replies.Write(HelpText.Commands);
        replies.Flush();
    }

    private void ShowGet(Command.Get command, GetReply reply, int? lineNumber)
    {
        if (reply.Found)
        {
            replies.Write(JsonText.OneLine(reply.ValueJson));
            if (inConversation)
            {
                WriteBase64Mark(reply.ValueIsBase64);
            }

            replies.Write('\n');
            if (reply.ValueIsBase64 && !inConversation)
            {
                Note("the stored bytes are not UTF-8: the value shown is their base64.");
            }
        }
        else if (inConversation)
        {
            replies.Write($"{palette.Paint(Tone.Dim, "(nil)")}\n");
        }
        else
        {
            Fail(new Failure(ExitCode.NotFound, $"no key {KeyText.Show(command.Key)}.")
            {
                LineNumber = lineNumber,
            });
        }
    }

    private void ShowEtcd(Answer answer, int? lineNumber)
    {
        if (answer.Reply is LeaseTimeToLiveResponse { TTL: < 0 } or LeaseKeepAliveResponse { TTL: <= 0 })
        {
            long id = answer.Reply is LeaseTimeToLiveResponse left
                ? left.ID
                : ((LeaseKeepAliveResponse)answer.Reply).ID;
            string why = $"no lease {EtcdBytes.LeaseText(id)}: it has ended, or never was.";
            Fail(new Failure(ExitCode.NotFound, why) { LineNumber = lineNumber });
            return;
        }

        new EtcdText(replies, palette, inConversation).Write(answer);
        if (answer.Reply is RangeResponse { More: true } range)
        {
            Note($"there are more keys, {range.Count} in all.");
        }
    }

    private void ShowPrint(PrintReply reply)
    {
        foreach (KeyValue entry in reply.Entries)
        {
            replies.Write(palette.Paint(Tone.Key, KeyText.Show(entry.Key)));
            WriteBase64Mark(entry.KeyIsBase64);
            replies.Write($" = {JsonText.OneLine(entry.ValueJson)}");
            WriteBase64Mark(entry.ValueIsBase64);
            replies.Write('\n');
        }

        if (inConversation)
        {
            string keys = reply.Entries.Count == 1 ? "1 key" : $"{reply.Entries.Count} keys";
            replies.Write($"{palette.Paint(Tone.Dim, $"({keys})")}\n");
            if (reply.Status is { } status)
            {
                StatusText.WriteBelow(replies, status, palette);
            }
        }

        if (reply.More)
        {
            KeyValue? last = reply.Entries.LastOrDefault();
            string how = last is null or { KeyIsBase64: true }
                ? "raise --limit"
                : $"print --after {KeyText.Show(last.Key)}";
            Note($"there are more keys: {how}.");
        }
    }

    private void WriteBase64Mark(bool isBase64)
    {
        if (isBase64)
        {
            replies.Write(palette.Paint(Tone.Dim, " (base64)"));
        }
    }

    /// <summary>Ends a line; in a conversation with where the write stands.</summary>
    private void WritePlace(string node, long order, long revision)
    {
        if (inConversation)
        {
            string place = revision > 0 ? $"order {order}, revision {revision}" : $"order {order}";
            replies.Write(palette.Paint(Tone.Dim, $"  ({place}, {TerminalText.Escape(node)})"));
        }

        replies.Write('\n');
    }
}
