using System.Text.Json;
using Google.Protobuf;
using Grpc.Core;
using Kv.Cli;
using Kv.Cli.Calls;
using Kv.Cli.Commands;
using Kv.Cli.Lines;
using Kv.Cli.Output;
using Kv.Protos.V1;

namespace Kv.Host.Tests.Cli;

public sealed class OutputTests : IDisposable
{
    private static readonly Command PrintAll = new Command.Print("", "", 0, Local: false);

    private readonly StringWriter _replies = new();
    private readonly StringWriter _errors = new();

    public void Dispose()
    {
        _replies.Dispose();
        _errors.Dispose();
    }

    [Fact]
    public void Nothing_a_terminal_would_obey_reaches_it_from_a_server()
    {
        const string Evil = "\e[2J\a\u0085\u202e\r\n";
        var entry = new KeyValue { Key = Evil, ValueJson = $"[1,\r\n\"\u009b\u202e{(char)0x7f}\"]" };

        Text().Show(Answer(PrintAll, new PrintReply { Entries = { entry } }), null);
        Text().Show(Answer(new Command.Set("x", "1"), new SetReply { Node = Evil }), null);
        Text().Show(Answer(new Command.Status(), new StatusReply { Node = Evil, Alarms = { Evil } }), null);
        Text().Fail(new Failure(ExitCode.Refused, Evil));
        Json().Show(Answer(PrintAll, new PrintReply { Entries = { entry } }), null);

        string all = _replies.ToString() + _errors;
        Assert.DoesNotContain(all, c => (char.IsControl(c) && c != '\n') || c is '\u202e');
        Assert.Contains("\\u001b[2J", all, StringComparison.Ordinal);
    }

    [Fact]
    public void A_printed_value_is_on_one_line_and_still_the_same_value()
    {
        string line = JsonText.OneLine("{\n  \"a b\": [1.0,  \"\\nx\"],\r\n\t\"c\": 1e400\n}");

        Assert.Equal("{ \"a b\": [1.0,  \"\\nx\"], \"c\": 1e400 }", line);
    }

    [Fact]
    public void Bytes_that_are_not_UTF8_are_marked()
    {
        var entry = new KeyValue
        {
            Key = "AA==",
            KeyIsBase64 = true,
            ValueJson = "\"/w==\"",
            ValueIsBase64 = true,
        };

        Text().Show(Answer(PrintAll, new PrintReply { Entries = { entry } }), null);

        Assert.Contains("AA== (base64) = \"/w==\" (base64)", _replies.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void JSON_output_keeps_every_digit_and_one_object_a_line()
    {
        var reply = new GetReply { Found = true, ValueJson = "{\n\"n\": 12345678901234567890.10\n}" };

        Json().Show(Answer(new Command.Get("k\n", false), reply), lineNumber: 7);

        string line = Assert.Single(_replies.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("12345678901234567890.10", line, StringComparison.Ordinal);
        using var json = JsonDocument.Parse(line);
        Assert.Equal("k\n", json.RootElement.GetProperty("key").GetString());
        Assert.Equal(7, json.RootElement.GetProperty("line").GetInt32());
    }

    [Fact]
    public void A_value_that_is_no_JSON_is_a_string_in_JSON_output()
    {
        var reply = new GetReply { Found = true, ValueJson = "{oops" };

        Json().Show(Answer(new Command.Get("k", false), reply), null);

        using var json = JsonDocument.Parse(_replies.ToString());
        Assert.Equal("{oops", json.RootElement.GetProperty("value").GetString());
    }

    [Fact]
    public void A_failure_in_JSON_says_what_was_tried()
    {
        var attempt = new CallFailure(
            new TargetAddress("a", 1), FailureKind.Refused, StatusCode.InvalidArgument, "key is empty");

        Json().Fail(FailureText.Describe(new Command.Del(""), [attempt]) with { LineNumber = 2 });

        using var json = JsonDocument.Parse(_errors.ToString());
        Assert.Equal(5, json.RootElement.GetProperty("exit_code").GetInt32());
        Assert.Equal("INVALID_ARGUMENT", json.RootElement.GetProperty("status").GetString());
        Assert.Equal("a:1", json.RootElement.GetProperty("attempts")[0].GetProperty("target").GetString());
        Assert.Empty(_replies.ToString());
    }

    private TextOutput Text() => new(_replies, _errors, new Palette(coloured: false), inConversation: true);

    private JsonOutput Json() => new(_replies, _errors);

    private static Answer Answer(Command command, IMessage reply) =>
        new(command, reply, new TargetAddress("a", 1));
}
